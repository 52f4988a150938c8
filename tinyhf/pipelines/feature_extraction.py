"""Floor 7 · feature-extraction: a text becomes the model's vectors, one a token.

Mirrors transformers/pipelines/feature_extraction.py.
"""

from tinyhf.errors import ArgumentError
from tinyhf.pipelines.base import TOKENIZER_OPTIONS, Pipeline


class FeatureExtractionPipeline(Pipeline):
    """``pipe("A cat.")`` → ``[[[0.12, …], …]]``: lists of numbers, 1 × tokens × hidden size.

    Args:
        return_tensors: True gives the array itself.
        truncation, tokenize_kwargs: how text becomes ids.
    """

    def _sanitize_parameters(
        self, truncation=None, tokenize_kwargs=None, return_tensors=None, **unknown
    ):
        self.refuse_unknown(unknown)
        preprocess_params = dict(tokenize_kwargs or {})
        self.refuse_unknown(preprocess_params, TOKENIZER_OPTIONS)
        if truncation is not None and "truncation" in preprocess_params:
            raise ArgumentError("given here and in tokenize_kwargs", where="truncation")
        if truncation is not None:
            preprocess_params["truncation"] = truncation
        postprocess_params = {} if return_tensors is None else {"return_tensors": return_tensors}
        return preprocess_params, {}, postprocess_params

    def preprocess(self, inputs, **tokenize_kwargs):
        """A text → input_ids and what belongs to them, (1, seq) each."""
        self.check_text(inputs)
        return self.tokenizer(inputs, return_tensors="np", **tokenize_kwargs)

    def _forward(self, model_inputs):
        features = self.model(**model_inputs)[0]  # (batch, seq, hidden), or a head's logits
        return {"features": features, "attention_mask": model_inputs.get("attention_mask")}

    def postprocess(self, model_outputs, return_tensors=False):
        """The vectors of a text's own tokens, without those that only filled its batch."""
        features, attention_mask = model_outputs["features"], model_outputs["attention_mask"]
        if features.ndim == 3 and attention_mask is not None:
            features = features[:, attention_mask[0] == 1]
        return features if return_tensors else features.tolist()
