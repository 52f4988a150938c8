"""Floor 7 · fill-mask: which words fit into the gap of a text.

Mirrors transformers/pipelines/fill_mask.py.
"""

from tinyhf.errors import ArgumentError, note_once
from tinyhf.functional import softmax
from tinyhf.pipelines.base import TOKENIZER_OPTIONS, Pipeline, checked_count


class FillMaskPipeline(Pipeline):
    """``pipe("The [MASK] barked.")`` → ``[{"score": 0.9, "token": 12, "token_str": "dog",
    "sequence": "the dog barked."}, …]``, best first; with several gaps, one such list a gap.

    Args:
        top_k: how many words for each gap.
        targets: a word or a list of words: only these are looked at.
        tokenizer_kwargs: a dict of options for the tokenizer.
    """

    def _sanitize_parameters(self, top_k=None, targets=None, tokenizer_kwargs=None, **unknown):
        self.refuse_unknown(unknown)
        self.refuse_unknown(tokenizer_kwargs or {}, TOKENIZER_OPTIONS)
        if self.tokenizer is None or self.tokenizer.mask_token_id is None:
            fix = "Name a model that was trained to fill gaps, such as a BERT"
            raise ArgumentError("there is no mask token", where="tokenizer", fix=fix)
        postprocess_params = {}
        if top_k is not None:
            postprocess_params["top_k"] = checked_count("top_k", top_k)
        if targets is not None:
            postprocess_params["target_ids"] = self.get_target_ids(targets)
        return dict(tokenizer_kwargs or {}), {}, postprocess_params

    def __call__(self, inputs=None, **kwargs):
        """As every pipeline; a list of a single text is answered as that text alone."""
        answer = super().__call__(inputs, **kwargs)
        return answer[0] if isinstance(inputs, list) and len(inputs) == 1 else answer

    def preprocess(self, inputs, **tokenizer_kwargs):
        """A text with gaps → input_ids and what belongs to them, (1, seq) each."""
        self.check_text(inputs)
        model_inputs = self.tokenizer(inputs, return_tensors="np", **tokenizer_kwargs)
        mask_token = self.tokenizer.mask_token
        if not (model_inputs["input_ids"] == self.tokenizer.mask_token_id).any():
            fix = f"Put {mask_token} where a word is to be found"
            raise ArgumentError("there is no gap to fill", where="inputs", got=inputs, fix=fix)
        return model_inputs

    def _forward(self, model_inputs):
        return {"logits": self.model(**model_inputs).logits, **model_inputs}

    def postprocess(self, model_outputs, top_k=5, target_ids=None):
        """The scores of one text → its records."""
        input_ids = model_outputs["input_ids"][0]
        (gaps,) = (input_ids == self.tokenizer.mask_token_id).nonzero()
        logits = model_outputs["logits"][0, gaps].astype("float32")  # (gaps, vocabulary)
        rows = []
        for gap, scores in zip(gaps.tolist(), softmax(logits), strict=True):
            candidates = scores if target_ids is None else scores[target_ids]
            best = (-candidates).argsort(kind="stable")[:top_k].tolist()
            tokens = best if target_ids is None else [target_ids[number] for number in best]
            rows.append(
                [self._record(token, scores, input_ids, gap, len(gaps) == 1) for token in tokens]
            )
        return rows[0] if len(rows) == 1 else rows

    def _record(self, token, scores, input_ids, gap, is_only_gap):
        """One word in one gap; other gaps stay readable, so special tokens are then shown."""
        filled = input_ids.copy()
        filled[gap] = token
        filled = filled[filled != self.tokenizer.pad_token_id].tolist()
        return {
            "score": scores[token].item(),
            "token": token,
            "token_str": self.tokenizer.decode([token]),
            "sequence": self.tokenizer.decode(filled, skip_special_tokens=is_only_gap),
        }

    def get_target_ids(self, targets):
        """The ids of words; of a word that the vocabulary lacks, the id of its first piece."""
        targets = [targets] if isinstance(targets, str) else targets
        are_words = isinstance(targets, list | tuple) and all(isinstance(t, str) for t in targets)
        if not are_words or not targets:
            wanted = "a word or a list of words"
            raise ArgumentError("no words", where="targets", wanted=wanted, got=targets)
        vocabulary = self.tokenizer.get_vocab()
        return sorted({self._id_of(word, vocabulary) for word in targets})

    def _id_of(self, word, vocabulary):
        if word in vocabulary:
            return vocabulary[word]
        ids = self.tokenizer(word, add_special_tokens=False)["input_ids"]
        if not ids:
            raise ArgumentError("there is nothing in this word", where="targets", got=word)
        piece = self.tokenizer.convert_ids_to_tokens(ids[0])
        note_once(f"The vocabulary has no {word!r}, so targets uses its first piece, {piece!r}.")
        return ids[0]
