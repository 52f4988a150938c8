"""Floor 7 · zero-shot-classification: labels named on the spot, judged by a model of inference.

Mirrors transformers/pipelines/zero_shot_classification.py. The model reads pairs, a text and a
claim, and says whether the claim follows (Yin et al., 2019, https://arxiv.org/abs/1909.00161):

    "The cat sleeps." + "This example is about animals." → contradiction | neutral | entailment
"""

import math

from tinyhf.errors import ArgumentError, note_once
from tinyhf.functional import softmax
from tinyhf.pipelines.base import ChunkPipeline


class ZeroShotClassificationPipeline(ChunkPipeline):
    """``pipe("The cat sleeps.", candidate_labels=["animals", "cars"])`` →
    ``{"sequence": "The cat sleeps.", "labels": ["animals", "cars"], "scores": [0.98, 0.02]}``.

    Args:
        candidate_labels: a list, or one string with commas between them.
        hypothesis_template: the claim, with {} in the place of the label.
        multi_label: True asks for each label by itself whether it is right.
    """

    default_input_names = "sequences"

    def __init__(self, model, tokenizer=None, **kwargs):
        super().__init__(model, tokenizer, **kwargs)
        if self.entailment_id == -1:
            note_once(
                "None of the model's labels starts with 'entail', so the last one is taken for "
                "that: give its config a label2id such as {'contradiction': 0, 'entailment': 1}."
            )

    @property
    def entailment_id(self):
        """The number of the label that says "it follows"; -1, the last, where none says so."""
        labels = self.model.config.label2id or {}
        fitting = (labels[label] for label in labels if label.lower().startswith("entail"))
        return next(fitting, -1)

    def _sanitize_parameters(
        self, candidate_labels=None, hypothesis_template=None, multi_label=None, **unknown
    ):
        self.refuse_unknown(unknown)
        preprocess_params = {}
        if candidate_labels is not None:
            preprocess_params["candidate_labels"] = list_of_labels(candidate_labels)
        if hypothesis_template is not None:
            check_template(hypothesis_template)
            preprocess_params["hypothesis_template"] = hypothesis_template
        return preprocess_params, {}, {} if multi_label is None else {"multi_label": multi_label}

    def __call__(self, sequences=None, candidate_labels=None, **kwargs):
        """As every pipeline; the labels may also be the second argument."""
        return super().__call__(sequences, candidate_labels=candidate_labels, **kwargs)

    def preprocess(
        self, sequence, candidate_labels=None, hypothesis_template="This example is {}."
    ):
        """A text → one pair (1, seq) for each label; if it is too long, the text is cut."""
        self.check_text(sequence)
        if candidate_labels is None:
            wanted = 'such as ["animals", "cars"]'
            raise ArgumentError("there are no labels", where="candidate_labels", wanted=wanted)
        for label in candidate_labels:
            pair = {"text": sequence, "text_pair": hypothesis_template.format(label)}
            encoding = self.tokenizer(**pair, truncation="only_first", return_tensors="np")
            yield {"candidate_label": label, "sequence": sequence, **encoding}

    def _forward(self, model_inputs):
        return {
            "logits": self.model(**self.for_model(model_inputs)).logits,  # (batch, 3)
            "candidate_label": model_inputs["candidate_label"],
            "sequence": model_inputs["sequence"],
        }

    def postprocess(self, model_outputs, multi_label=False):
        """The scores of one text's pairs → its labels, best first."""
        logits = [outputs["logits"][0].astype("float32") for outputs in model_outputs]
        yes, no = self.entailment_id, -1 if self.entailment_id == 0 else 0
        if multi_label or len(logits) == 1:  # does it follow, rather than the contrary?
            scores = [softmax(row[[no, yes]])[1].item() for row in logits]
        else:  # which of them follows best?
            best = max(row[yes].item() for row in logits)
            weights = [math.exp(row[yes].item() - best) for row in logits]
            scores = [weight / sum(weights) for weight in weights]
        labels = [outputs["candidate_label"] for outputs in model_outputs]
        ranked = sorted(zip(scores, labels, strict=True), key=lambda pair: pair[0], reverse=True)
        return {
            "sequence": model_outputs[0]["sequence"],
            "labels": [label for _, label in ranked],
            "scores": [score for score, _ in ranked],
        }


def list_of_labels(labels):
    """The labels as a list of strings."""
    if isinstance(labels, str):
        labels = [label.strip() for label in labels.split(",") if label.strip()]
    are_labels = isinstance(labels, list | tuple) and all(isinstance(one, str) for one in labels)
    if not are_labels or not labels:
        wanted = 'a list of strings, or "animals, cars"'
        raise ArgumentError("no labels", where="candidate_labels", wanted=wanted, got=labels)
    return list(labels)


def check_template(template):
    """Raise ArgumentError if a label has no place in the template, or something else has one."""
    try:
        has_place = template.format("a") != template.format("b")
    except (AttributeError, IndexError, KeyError, ValueError):
        has_place = False
    if not has_place:
        raise ArgumentError(
            "the label has no place in it",
            where="hypothesis_template",
            wanted='a string with {} in it, such as "This text is about {}."',
            got=template,
        )
