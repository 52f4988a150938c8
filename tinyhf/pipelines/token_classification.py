"""Floor 7 · token-classification: a label for each token, or for each name; "ner" is the same.

Mirrors transformers/pipelines/token_classification.py.

    tokens   Hu ##gging Face  is in  New   York
    labels   B-ORG I-ORG I-ORG O  O  B-LOC I-LOC
    groups   ORG "Hugging Face"      LOC "New York"
"""

from tinyhf.errors import ArgumentError, note_once
from tinyhf.functional import softmax
from tinyhf.pipelines.base import ChunkPipeline
from tinyhf.pipelines.entities import (
    aggregate_overlapping_entities,
    neighbours_of_a_kind,
    words_of,
)

#: How a word gets one row of scores from those of its tokens.
WORD_SCORES = {
    "first": lambda rows: rows[0],
    "max": lambda rows: max(rows, key=lambda row: row.max()),
    "average": lambda rows: sum(rows) / len(rows),
}
AGGREGATION_STRATEGIES = ("none", "simple", *WORD_SCORES)


class TokenClassificationPipeline(ChunkPipeline):
    """``pipe("Tim saw a dog.")`` → ``[{"entity": "B-PER", "score": 0.99, "index": 1,
    "word": "tim", "start": 0, "end": 3}, …]``; start and end count characters of the text.

    Args:
        aggregation_strategy: "none" answers for each token. The others join neighbours of the same
            kind into one ``entity_group``: "simple" token by token; with "first", "average" and
            "max" a word has one label: its first token's, that of its mean scores, or that of its
            surest token.
        ignore_labels: labels that are left out, ["O"] by default.
        stride: reads a text longer than the model's limit in windows which have this many tokens in
            common. Without it the text is cut.
        is_split_into_words: the input is a list of words.
        delimiter: what stands between them, where start and end count; a blank by default.
        grouped_entities, ignore_subwords: older words for "simple", and both together for "first".
    """

    default_input_names = "sequences"

    def _sanitize_parameters(
        self,
        aggregation_strategy=None,
        ignore_labels=None,
        stride=None,
        is_split_into_words=None,
        delimiter=None,
        grouped_entities=None,
        ignore_subwords=None,
        **unknown,
    ):
        self.refuse_unknown(unknown)
        if aggregation_strategy is None and grouped_entities is not None:
            joined = "first" if ignore_subwords else "simple"
            aggregation_strategy = joined if grouped_entities else "none"
        if aggregation_strategy is not None:
            aggregation_strategy = checked_strategy(aggregation_strategy)
        if stride is not None:
            self._check_stride(stride, aggregation_strategy)
        if isinstance(ignore_labels, str):
            wanted = f"a list such as {[ignore_labels]}"
            raise ArgumentError("not a list", where="ignore_labels", wanted=wanted)
        preprocess_params = {
            "stride": stride,
            "is_split_into_words": is_split_into_words,
            "delimiter": delimiter,
        }
        postprocess_params = {
            "aggregation_strategy": aggregation_strategy,
            "ignore_labels": ignore_labels,
        }
        return given(preprocess_params), {}, given(postprocess_params)

    def _check_stride(self, stride, aggregation_strategy):
        limit = self.tokenizer.model_max_length - self.tokenizer.num_special_tokens_to_add()
        if isinstance(stride, bool) or not isinstance(stride, int) or not 0 <= stride < limit:
            wanted = f"0 to {limit - 1}, as the model reads {limit} tokens of text at once"
            raise ArgumentError("no such overlap", where="stride", wanted=wanted, got=stride)
        if aggregation_strategy == "none":
            wanted = " or ".join(AGGREGATION_STRATEGIES[1:])
            problem = "with stride, what is found twice has to be joined"
            raise ArgumentError(problem, where="aggregation_strategy", wanted=wanted, got="none")

    def __call__(self, inputs=None, **kwargs):
        """As every pipeline; one list of words is answered as a list of one text."""
        defaults, _, _ = self._params
        is_split = kwargs.get("is_split_into_words", defaults.get("is_split_into_words"))
        if is_split and isinstance(inputs, list) and all(isinstance(one, str) for one in inputs):
            inputs = [inputs]
        return super().__call__(inputs, **kwargs)

    def preprocess(self, sentence, stride=None, is_split_into_words=False, delimiter=" "):
        """A text → its windows: ids, special_tokens_mask (1, seq), offset_mapping (1, seq, 2)."""
        words = checked_words(sentence) if is_split_into_words else None
        for text in words or [sentence]:
            self.check_text(text)
        overflow = {} if stride is None else {"stride": stride, "padding": True}
        encoding = self.tokenizer(
            words or sentence,
            is_split_into_words=is_split_into_words,
            truncation=True,
            return_tensors="np",
            return_special_tokens_mask=True,
            return_offsets_mapping=True,
            return_overflowing_tokens=stride is not None,
            **overflow,
        )
        encoding.pop("overflow_to_sample_mapping", None)
        if words:
            sentence = delimiter.join(words)
            shift_offsets(encoding, words, delimiter)
        for window in range(len(encoding["input_ids"])):
            rows = {name: rows[window : window + 1] for name, rows in encoding.items()}
            yield {"sentence": sentence, **rows}

    def _forward(self, model_inputs):
        logits = self.model(**self.for_model(model_inputs)).logits  # (batch, seq, labels)
        return {"logits": logits, **model_inputs}

    def postprocess(self, all_outputs, aggregation_strategy="none", ignore_labels=("O",)):
        """The scores of a text's windows → what was found in it."""
        found = []
        for model_outputs in all_outputs:
            entities = self.gather_pre_entities(model_outputs, aggregation_strategy)
            if aggregation_strategy in WORD_SCORES:
                choose = WORD_SCORES[aggregation_strategy]
                entities = [self.aggregate_word(word, choose) for word in words_of(entities)]
            entities = [self._with_label(entity) for entity in entities]
            if aggregation_strategy != "none":
                groups = neighbours_of_a_kind(entities)
                entities = [self.group_sub_entities(group) for group in groups]
            found += [
                entity
                for entity in entities
                if entity.get("entity", entity.get("entity_group")) not in ignore_labels
            ]
        return found if len(all_outputs) == 1 else aggregate_overlapping_entities(found)

    def gather_pre_entities(self, model_outputs, aggregation_strategy):
        """One dict a token that is no special one: its word, scores, characters and number."""
        sentence = model_outputs["sentence"]
        scores = softmax(model_outputs["logits"][0].astype("float32"))  # (seq, labels)
        columns = [model_outputs[n][0].tolist() for n in ("input_ids", "offset_mapping")]
        is_special = model_outputs["special_tokens_mask"][0].tolist()
        pre_entities = []
        for index, (token_id, (start, end)) in enumerate(zip(*columns, strict=True)):
            if is_special[index]:
                continue
            word = self.tokenizer.convert_ids_to_tokens(token_id)
            is_subword = self._continues_a_word(word, sentence, start, end, aggregation_strategy)
            if token_id == self.tokenizer.unk_token_id:
                word, is_subword = sentence[start:end], False
            pre_entities.append(
                {
                    "scores": scores[index],
                    "index": index,
                    "word": word,
                    "start": start,
                    "end": end,
                    "is_subword": is_subword,
                }
            )
        return pre_entities

    def _continues_a_word(self, token, sentence, start, end, aggregation_strategy):
        """Whether a token goes on with the word before it."""
        backend = self.tokenizer.backend_tokenizer.model
        if getattr(backend, "continuing_subword_prefix", None):  # "##ing" is longer than "ing"
            return len(token) != end - start
        if aggregation_strategy in WORD_SCORES:
            note_once("This tokenizer marks no words, so a word is taken to end at a blank.")
        return start > 0 and " " not in sentence[start - 1 : start + 1]

    def aggregate_word(self, tokens, choose):
        """The tokens of one word → the word, with the scores that ``choose`` makes of theirs."""
        return {
            "scores": choose([token["scores"] for token in tokens]),
            "word": self.tokenizer.convert_tokens_to_string([token["word"] for token in tokens]),
            "start": tokens[0]["start"],
            "end": tokens[-1]["end"],
        }

    def _with_label(self, entity):
        """A token or word with its best label in place of its scores."""
        best = entity["scores"].argmax().item()
        places = {
            name: entity[name] for name in ("index", "word", "start", "end") if name in entity
        }
        label = self.model.config.id2label[best]
        return {"entity": label, "score": entity["scores"][best].item(), **places}

    def group_sub_entities(self, entities):
        """Neighbours of a kind → one entity."""
        return {
            "entity_group": entities[0]["entity"].split("-", 1)[-1],
            "score": sum(entity["score"] for entity in entities) / len(entities),
            "word": self.tokenizer.convert_tokens_to_string([one["word"] for one in entities]),
            "start": entities[0]["start"],
            "end": entities[-1]["end"],
        }


def checked_strategy(strategy):
    """``strategy`` in small letters, if there is one of this name."""
    name = str(getattr(strategy, "value", strategy)).lower()
    if name in AGGREGATION_STRATEGIES:
        return name
    raise ArgumentError(
        "there is no such strategy",
        where="aggregation_strategy",
        wanted=" or ".join(map(repr, AGGREGATION_STRATEGIES)),
        got=strategy,
    )


def checked_words(words):
    """The words of a text as a list, if they are one."""
    if not isinstance(words, list | tuple) or not words:
        wanted = "a list of words"
        raise ArgumentError("no words", where="inputs", wanted=wanted, got=words)
    return list(words)


def given(params):
    """The parameters that are not None."""
    return {name: value for name, value in params.items() if value is not None}


def shift_offsets(encoding, words, delimiter):
    """Offsets that count from the start of each word become such that count from the text's."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + len(delimiter))
    for row, offsets in enumerate(encoding["offset_mapping"]):
        for token, word in enumerate(encoding.word_ids(row)):
            offsets[token] += starts[word or 0]
