"""Floor 7 · text-classification: which label a text deserves; "sentiment-analysis" is the same.

Mirrors transformers/pipelines/text_classification.py.
"""

from tinyhf.errors import ArgumentError
from tinyhf.functional import softmax, tanh
from tinyhf.pipelines.base import TOKENIZER_OPTIONS, Pipeline, checked_count

#: How the scores of all labels become what the user sees.
FUNCTIONS = {
    "softmax": softmax,  # one of them is right
    "sigmoid": lambda logits: 0.5 + 0.5 * tanh(logits * 0.5),  # each is right or wrong
    "none": lambda logits: logits,  # they are measures, not chances
}

#: Not given, where None says "all labels".
UNSET = "unset"


class TextClassificationPipeline(Pipeline):
    """``pipe("I like it.")`` → ``[{"label": "POSITIVE", "score": 0.99}]``.

    A list of texts gives one such record a text. A pair of texts is a dict, ``{"text": …,
    "text_pair": …}``, and gives one record.

    Args:
        top_k: how many labels, best first, as a list of records for each text; None is all of them.
        return_all_scores: transformers 4's word for it: True is ``top_k=None`` in the model's order
            of labels; False is ``top_k=1``.
        function_to_apply: "softmax", "sigmoid" or "none"; None is what the config's problem_type
            asks for: nothing for regression, sigmoid for one label or several at once, else
            softmax.
        tokenizer_kwargs: how text becomes ids: truncation, max_length …
    """

    def _sanitize_parameters(
        self, top_k=UNSET, function_to_apply=None, return_all_scores=None, **tokenizer_kwargs
    ):
        self.refuse_unknown(tokenizer_kwargs, TOKENIZER_OPTIONS)
        postprocess_params = {}
        if return_all_scores is not None:
            postprocess_params["return_all_scores"] = return_all_scores
        if top_k != UNSET:
            postprocess_params["top_k"] = None if top_k is None else checked_count("top_k", top_k)
        if function_to_apply is not None:
            postprocess_params["function_to_apply"] = checked_function(function_to_apply)
        return tokenizer_kwargs, {}, postprocess_params

    def __call__(self, inputs=None, **kwargs):
        """As every pipeline; without ``top_k`` in this call a single text's answer is in a list."""
        answer = super().__call__(inputs, **kwargs)
        return [answer] if isinstance(inputs, str) and "top_k" not in kwargs else answer

    def preprocess(self, inputs, **tokenizer_kwargs):
        """A text or a pair → input_ids and what belongs to them, (1, seq) each."""
        if isinstance(inputs, str):
            inputs = {"text": inputs}
        if isinstance(inputs, list) and len(inputs) == 1 and len(inputs[0]) == 2:  # an old form
            inputs = dict(zip(("text", "text_pair"), inputs[0], strict=True))
        if not isinstance(inputs, dict) or not {"text"} <= inputs.keys() <= {"text", "text_pair"}:
            wanted = 'a string, or {"text": …, "text_pair": …}'
            raise ArgumentError("not a text", where="inputs", wanted=wanted, got=inputs)
        for text in inputs.values():
            self.check_text(text)
        return self.tokenizer(**inputs, return_tensors="np", **tokenizer_kwargs)

    def _forward(self, model_inputs):
        return {"logits": self.model(**model_inputs).logits}  # (batch, labels)

    def postprocess(
        self, model_outputs, top_k=UNSET, function_to_apply=None, return_all_scores=None
    ):
        """The scores of one text → its record, or the records of its ``top_k`` labels."""
        config = self.model.config
        logits = model_outputs["logits"][0].astype("float32")  # (labels,)
        scores = FUNCTIONS[function_to_apply or function_of(config)](logits).tolist()
        records = [
            {"label": config.id2label[number], "score": score}
            for number, score in enumerate(scores)
        ]
        if top_k == UNSET and return_all_scores:
            return records
        records.sort(key=lambda record: record["score"], reverse=True)
        return records[0] if top_k == UNSET else records[:top_k]


def function_of(config):
    """The function that fits how the model was trained."""
    if config.problem_type == "regression":
        return "none"
    several = config.problem_type == "multi_label_classification" or config.num_labels == 1
    return "sigmoid" if several else "softmax"


def checked_function(name):
    """``name`` in small letters, if there is such a function."""
    if isinstance(name, str) and name.lower() in FUNCTIONS:
        return name.lower()
    wanted = " or ".join(map(repr, FUNCTIONS))
    raise ArgumentError("no such function", where="function_to_apply", wanted=wanted, got=name)
