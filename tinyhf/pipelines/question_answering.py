"""Floor 7 · question-answering: a question is answered with a piece of a text.

Mirrors transformers/pipelines/question_answering.py of transformers 4; 5 has it no more.

    question, context ─ tokenizer ─ windows ─ model ─ start and end of each token ─ best spans

    window 1   [CLS] Where is Tom ? [SEP] Tom went to the old        [SEP]
    window 2   [CLS] Where is Tom ? [SEP]             the old garden [SEP]

A context that is too long is read in windows, which have ``doc_stride`` tokens in common.
"""

import heapq
from typing import NamedTuple

from tinyhf.errors import ArgumentError
from tinyhf.functional import softmax
from tinyhf.models.encoder_heads import QuestionAnswering
from tinyhf.pipelines.base import ChunkPipeline
from tinyhf.tokenization import BatchEncoding

#: The keywords of ``preprocess`` and of ``postprocess``.
PREPROCESS = {"padding", "doc_stride", "max_seq_len"}
POSTPROCESS = {"top_k", "max_answer_len", "handle_impossible_answer", "align_to_words"}

WANTED = '{"question": "Where is Tom?", "context": "Tom is here."}'


class Span(NamedTuple):
    """Tokens ``start`` to ``end``, both included, and how probable they are as the answer."""

    score: float
    start: int
    end: int


class QuestionAnsweringPipeline(ChunkPipeline):
    """``pipe(question=…, context=…)`` → ``{"score": 0.9, "start": 7, "end": 11, "answer": …}``.

    ``start`` and ``end`` count characters of the context. Questions and contexts may be lists; a
    list of dicts, or of objects with ``question_text`` and ``context_text``, is understood too.

    Args:
        top_k: how many answers; a list of them if there are several.
        doc_stride: tokens that two windows of a long context have in common; by default 128, or
            half of max_seq_len if that is less; beside a long question half of what is left.
        max_answer_len: tokens in an answer at most.
        max_seq_len: tokens in a window at most, question included; by default 384.
        max_question_len: accepted; a question is never cut, as with transformers' fast tokenizers.
        handle_impossible_answer: "" may be an answer too, for models that learnt to say so.
        align_to_words: answers begin and end with whole words.
        padding: how windows are filled up, as for the tokenizer.

    Raises:
        ArgumentError: the question or the context is missing or empty, or an argument is wrong.
    """

    def __init__(self, model, tokenizer=None, task="question-answering", device=None, **kwargs):
        if not isinstance(model, QuestionAnswering):
            raise ArgumentError(
                "the model does not say where an answer starts and ends",
                where="model",
                wanted="a model such as BertForQuestionAnswering",
                got=type(model).__name__,
                fix="Load it with AutoModelForQuestionAnswering.",
            )
        super().__init__(model, tokenizer, task, device, **kwargs)

    def __call__(self, *inputs, question=None, context=None, **kwargs):
        """One question as a dict, as two texts or as two keywords; or several as lists of these."""
        if question is not None or context is not None or len(inputs) == 2:
            pair = inputs if len(inputs) == 2 else (question, context)
            inputs = [pair_up(*pair)]
        if len(inputs) != 1:
            raise ArgumentError("give a question and a context", where="inputs", wanted=WANTED)
        (inputs,) = inputs
        if isinstance(inputs, list | tuple) and len(inputs) == 1:
            (inputs,) = inputs
        return super().__call__(inputs, **kwargs)

    def _sanitize_parameters(self, **kwargs):
        self.refuse_unknown(kwargs, PREPROCESS | POSTPROCESS | {"max_question_len"})
        for name in ("top_k", "max_answer_len"):
            check_number(name, kwargs.get(name, 1), least=1)
        preprocess_params = {name: kwargs[name] for name in PREPROCESS & kwargs.keys()}
        postprocess_params = {name: kwargs[name] for name in POSTPROCESS & kwargs.keys()}
        return preprocess_params, {}, postprocess_params

    def preprocess(self, example, padding="do_not_pad", doc_stride=None, max_seq_len=None):
        """A question and its context → for each window its arrays (1, seq) and its encoding."""
        question, context = texts_of(example)
        if max_seq_len is None:
            max_seq_len = min(self.tokenizer.model_max_length, 384)
        inputs = self.tokenizer(
            question,
            context,
            padding=padding,
            padding_side="right",
            truncation="only_second",
            max_length=max_seq_len,
            stride=self._choose_stride(question, max_seq_len, doc_stride),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for number, encoding in enumerate(inputs.encodings):
            window = {name: [row[number]] for name, row in self.for_model(inputs).items()}
            window = BatchEncoding(window, tensor_type="np")
            yield {**window, "encoding": encoding, "context": context}

    def _choose_stride(self, question, max_seq_len, doc_stride):
        """How many tokens two windows share: less than there is room beside the question."""
        check_number("max_seq_len", max_seq_len, least=1)
        special_tokens = self.tokenizer.num_special_tokens_to_add(pair=True)
        taken = len(self.tokenizer.tokenize(question)) + special_tokens
        room = max_seq_len - taken
        if room < 1:
            raise ArgumentError(
                f"no room for the context beside a question of {taken} tokens",
                where="max_seq_len",
                wanted=f"more than {taken}",
                got=max_seq_len,
            )
        if doc_stride is None:
            doc_stride = min(max_seq_len // 2, 128)
            return doc_stride if doc_stride < room else room // 2
        check_number("doc_stride", doc_stride, least=0)
        if doc_stride >= room:
            raise ArgumentError(
                f"windows of {max_seq_len} tokens hold {room} of the context, and cannot share all",
                where="doc_stride",
                wanted=f"less than {room}",
                got=doc_stride,
            )
        return doc_stride

    def _forward(self, model_inputs):
        output = self.model(**self.for_model(model_inputs))
        logits = {name: output[name] for name in ("start_logits", "end_logits")}  # (batch, seq)
        return {**model_inputs, **logits}

    def postprocess(
        self,
        model_outputs,
        top_k=1,
        handle_impossible_answer=False,
        max_answer_len=15,
        align_to_words=True,
    ):
        """Scores of tokens → the best answers; those with the same words count as one."""
        answers, no_answer = {}, []
        spans_a_window = top_k * 2 + 10 if align_to_words else top_k  # some become the same words
        for window in model_outputs:
            starts, ends, none = self._probabilities(window)
            no_answer.append(none)
            for span in best_spans(starts, ends, max_answer_len, spans_a_window):
                start, end = characters_of(span, window["encoding"], align_to_words)
                text = window["context"][start:end]
                answer = {"score": 0.0, "start": start, "end": end, "answer": text}
                answers.setdefault(text.lower(), answer)["score"] += span.score
        answers = list(answers.values())
        if handle_impossible_answer:
            answers.append({"score": min(no_answer), "start": 0, "end": 0, "answer": ""})
        answers = sorted(answers, key=lambda answer: answer["score"], reverse=True)[:top_k]
        return answers[0] if len(answers) == 1 else answers

    def _probabilities(self, window):
        """{context token: probability} to start and to end an answer, and that there is none.

        [CLS] is the place where a model points to if there is no answer; it has its share in the
        softmax. All other tokens outside the context have none.
        """
        encoding, cls_token_id = window["encoding"], self.tokenizer.cls_token_id
        places = [index for index, text in enumerate(encoding.sequence_ids) if text == 1]
        has_cls = cls_token_id in encoding.ids
        if has_cls:
            places.insert(0, encoding.ids.index(cls_token_id))
        starts, ends = (
            dict(zip(places, softmax(window[name][0, places]).tolist(), strict=True))
            for name in ("start_logits", "end_logits")
        )
        none = starts.pop(places[0]) * ends.pop(places[0]) if has_cls else 0.0
        return starts, ends, none


def best_spans(starts, ends, max_answer_len, number):
    """The most probable spans of 1 to ``max_answer_len`` tokens; the context is one piece."""
    stop = max(ends, default=0) + 1
    spans = (
        Span(starts[start] * ends[end], start, end)
        for start in starts
        for end in range(start, min(start + max_answer_len, stop))
    )
    return heapq.nlargest(number, spans, key=lambda span: span.score)


def characters_of(span, encoding, align_to_words):
    """Where in the context a span begins and ends; with ``align_to_words`` as whole words."""
    words = encoding.token_to_word(span.start), encoding.token_to_word(span.end)
    if align_to_words and None not in words:
        first, last = (encoding.word_to_chars(word, sequence_index=1) for word in words)
        return first[0], last[1]
    return encoding.offsets[span.start][0], encoding.offsets[span.end][1]


def pair_up(question, context):
    """One example, or a list of them: each question with its context, or all with the same."""
    if not isinstance(question, list | tuple):
        return {"question": question, "context": context}
    contexts = [context] * len(question) if isinstance(context, str) else context
    if not isinstance(contexts, list | tuple) or len(contexts) != len(question):
        got = len(contexts) if isinstance(contexts, list | tuple) else contexts
        wanted = f"one text, or {len(question)} in a list"
        raise ArgumentError("each question needs one", where="context", wanted=wanted, got=got)
    return [pair_up(*pair) for pair in zip(question, contexts, strict=True)]


def texts_of(example):
    """(question, context) of a dict or of an object like transformers' SquadExample."""
    if isinstance(example, dict):
        texts = {name: example.get(name) for name in ("question", "context")}
    else:
        texts = {
            "question": getattr(example, "question_text", None),
            "context": getattr(example, "context_text", None),
        }
        if texts["question"] is None:
            raise ArgumentError("not a question", where="inputs", wanted=WANTED, got=example)
    for name, text in texts.items():
        if text is None:
            raise ArgumentError("is missing", where=name, wanted=WANTED, got=example)
        if not isinstance(text, str):
            raise ArgumentError("is no text", where=name, wanted="a string", got=text)
        if not text.strip():
            raise ArgumentError("is empty", where=name, wanted="a text", got=text)
    return texts.values()


def check_number(name, value, least):
    """Raise ArgumentError unless this is a whole number, ``least`` or more."""
    if type(value) is not int or value < least:
        wanted = f"a whole number, {least} or more"
        raise ArgumentError("is no such number", where=name, wanted=wanted, got=value)
