"""Floor 7 · Pipeline: text in, answer out, in three steps that every task fills in.

Mirrors transformers/pipelines/base.py.

    text ── preprocess ── ids ── forward (on the device) ── scores ── postprocess ── answer

Several texts go through ``forward`` in batches: padded to one length, run once, taken apart again.
"""

import difflib
import inspect
import itertools
import operator
from collections.abc import Iterator, Mapping

from tinyhf.autograd import no_grad
from tinyhf.backend import device_context, is_array, parse_device, to_device
from tinyhf.errors import ArgumentError
from tinyhf.tokenization import BatchEncoding
from tinyhf.tokenization.fast import PreTrainedTokenizerFast
from tinyhf.tokenization.padding import choose_lengths, pad_columns

#: What a column is filled with where a row is shorter; all that are not named here with 0.
FILLERS = {"special_tokens_mask": 1, "p_mask": 1, "offset_mapping": (0, 0)}

#: What a tokenizer can be asked for, beside the text.
TOKENIZER_OPTIONS = set(inspect.signature(PreTrainedTokenizerFast.__call__).parameters)
TOKENIZER_OPTIONS -= {"self", "text", "text_pair", "unknown"}


class Pipeline:
    """Base of all tasks; a task writes four methods.

    ``_sanitize_parameters(**kwargs)``: sorts keywords into those of the three steps.
    ``preprocess(inputs, **params)``: what the user gave → dict of arrays (1, seq) for the model,
    and of anything else that ``postprocess`` needs.
    ``_forward(model_inputs, **params)``: runs the model → dict of arrays (batch, …), and the rest.
    ``postprocess(model_outputs, **params)``: the row of one input → what the user gets.

    Args:
        model, tokenizer: the loaded pair.
        task: the name it was asked for.
        device: where the model is moved; None leaves it where it is.
        batch_size: how many inputs the model reads at once when it is given several.
        num_workers: accepted; the steps run in this process.
        kwargs: defaults for every call.
    """

    #: The name by which the input may be given: ``pipe(inputs="…")``.
    default_input_names = "inputs"
    #: The side that batches are padded on; None is the tokenizer's.
    padding_side = None

    def __init__(
        self,
        model,
        tokenizer=None,
        task="",
        device=None,
        batch_size=None,
        num_workers=None,
        **kwargs,
    ):
        self.task, self.model, self.tokenizer = task, model, tokenizer
        if device is not None:
            model.to(parse_device(device))
        self.device = model.device
        self._batch_size = 1 if batch_size is None else checked_count("batch_size", batch_size)
        self._params = self._sanitize_parameters(**kwargs)

    def __call__(self, inputs=None, *, batch_size=None, num_workers=None, **kwargs):
        """Run the three steps on one input, on a list of them, or lazily on a stream.

        Args:
            inputs: one input of the task; a list; or an iterator or dataset (anything with a length
                and numbered rows), whose answers come one by one while it is read.
            batch_size: as in the constructor, for this call only.
            num_workers: accepted; the steps run in this process.
            kwargs: as in the constructor, for this call only.

        Raises:
            ArgumentError: there is no input, or a keyword is unknown.
        """
        if inputs is None:
            inputs = self.named_input(kwargs)
        if batch_size is not None:
            checked_count("batch_size", batch_size)
        params = [*map(operator.or_, self._params, self._sanitize_parameters(**kwargs))]
        if isinstance(inputs, list | tuple):
            if not self.is_single(inputs):
                return list(self.run_many(inputs, batch_size, params))
        elif isinstance(inputs, Iterator) or is_dataset(inputs):
            return self.run_many(rows_of(inputs), batch_size, params)
        if isinstance(self, ChunkPipeline):
            return next(self.run_many([inputs], batch_size, params))
        return self.run_single(inputs, *params)

    def named_input(self, kwargs):
        """The input that was given by name, taken out of ``kwargs``."""
        given = [name for name in (self.default_input_names, "inputs") if name in kwargs]
        if given:
            return kwargs.pop(given[0])
        raise ArgumentError("there is nothing to work on", where=self.default_input_names)

    def is_single(self, inputs):
        """Whether a list is one input of this task (such as a chat), not several."""
        return False

    def run_single(self, inputs, preprocess_params, forward_params, postprocess_params):
        """The three steps for one input."""
        model_inputs = self.preprocess(inputs, **preprocess_params)
        model_outputs = self.forward(model_inputs, **forward_params)
        return self.postprocess(model_outputs, **postprocess_params)

    def run_many(self, inputs, batch_size, params):
        """The answers to several inputs, one by one; the model reads ``batch_size`` at a time."""
        if isinstance(inputs, list | tuple) and not inputs:
            raise ArgumentError("the list is empty", where=self.default_input_names)
        return self._answers(inputs, batch_size or self._batch_size, *params)

    def _answers(self, inputs, batch_size, preprocess_params, forward_params, postprocess_params):
        prepared = (self.preprocess(one, **preprocess_params) for one in inputs)
        for batch in batches(prepared, batch_size):
            for model_outputs in self.forward_batch(batch, forward_params):
                yield self.postprocess(model_outputs, **postprocess_params)

    def forward_batch(self, batch, forward_params):
        """``forward`` of several rows at once; returns the outputs of each row."""
        if len(batch) == 1:
            return [self.forward(batch[0], **forward_params)]
        model_outputs = self.forward(self.collate(batch), **forward_params)
        return [
            {name: row_of(value, number) for name, value in model_outputs.items()}
            for number in range(len(batch))
        ]

    def collate(self, batch):
        """Rows (1, seq) → (batch, longest seq); what is no array of numbers becomes a list."""
        if self.tokenizer is None:
            raise ArgumentError("rows are padded by a tokenizer", where="batch_size", wanted=1)
        lengths = choose_lengths(self.tokenizer, padding=True, padding_side=self.padding_side)
        names = [name for name, value in batch[0].items() if is_column(value)]
        columns = {name: [row[name][0].tolist() for row in batch] for name in names}
        fillers = {name: FILLERS.get(name, 0) for name in names}
        fillers["input_ids"] = self.tokenizer.pad_token_id
        padded = BatchEncoding(pad_columns(columns, lengths, fillers), tensor_type="np")
        others = batch[0].keys() - columns.keys()
        return {**padded, **{name: [row[name] for row in batch] for name in others}}

    def forward(self, model_inputs, **forward_params):
        """Inputs to the model's device, run, outputs back to the host."""
        with no_grad(), device_context(self.device):
            model_inputs = self._ensure_tensor_on_device(model_inputs, self.device)
            model_outputs = self._forward(model_inputs, **forward_params)
            return self._ensure_tensor_on_device(model_outputs, "cpu")

    def _ensure_tensor_on_device(self, inputs, device):
        return {name: to_device(x, device) if is_array(x) else x for name, x in inputs.items()}

    def for_model(self, model_inputs):
        """Those of the inputs that the tokenizer made for the model to read."""
        names = self.tokenizer.model_input_names
        return {name: model_inputs[name] for name in names if name in model_inputs}

    def check_text(self, text):
        """Raise ArgumentError if this is no text, or an empty one."""
        if not isinstance(text, str):
            name = self.default_input_names
            raise ArgumentError("not a text", where=name, wanted="a string", got=text)
        if not text.strip():
            raise ArgumentError("the text is empty", where=self.default_input_names, got=text)

    def refuse_unknown(self, unknown, others=()):
        """Raise ArgumentError for a keyword that is neither this task's nor one of ``others``."""
        own = inspect.signature(self._sanitize_parameters).parameters.values()
        known = [p.name for p in own if p.kind is not p.VAR_KEYWORD] + sorted(others)
        for name in unknown.keys() - set(others):
            nearest = difflib.get_close_matches(name, known, 1)
            raise ArgumentError(
                f"{type(self).__name__} has no such argument",
                where=name,
                got=unknown[name],
                fix=f"Did you mean {nearest[0]}?" if nearest else f"There are: {', '.join(known)}",
            )

    @property
    def dtype(self):
        """The number type of the model's weights."""
        return self.model.dtype

    def save_pretrained(self, save_directory):
        """Save model and tokenizer side by side."""
        self.model.save_pretrained(save_directory)
        if self.tokenizer is not None:
            self.tokenizer.save_pretrained(save_directory)

    def __repr__(self):
        return (
            f"{type(self).__name__}(task={self.task!r}, model={type(self.model).__name__}, "
            f"dtype={self.dtype}, device={self.device!r}, batch_size={self._batch_size})"
        )


class ChunkPipeline(Pipeline):
    """Base of tasks where one input becomes several rows: windows of a long text, or one a label.

    ``preprocess`` yields their dicts, ``postprocess`` gets the list of their outputs.
    """

    def _answers(self, inputs, batch_size, preprocess_params, forward_params, postprocess_params):
        prepared = (mark_last(self.preprocess(one, **preprocess_params)) for one in inputs)
        outputs = []
        for batch in batches(itertools.chain.from_iterable(prepared), batch_size):
            rows = self.forward_batch([row for row, _ in batch], forward_params)
            for row, (_, is_last) in zip(rows, batch, strict=True):
                outputs.append(row)
                if is_last:
                    yield self.postprocess(outputs, **postprocess_params)
                    outputs = []


def checked_count(name, count):
    """``count`` if it is a whole number from 1 on."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        wanted = "a whole number from 1 on"
        raise ArgumentError("no such number of them", where=name, wanted=wanted, got=count)
    return count


def is_dataset(inputs):
    """Whether these are numbered rows, such as a dataset's: neither a text nor a dict."""
    are_rows = hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__")
    return are_rows and not isinstance(inputs, str | bytes | Mapping)


def rows_of(inputs):
    """An iterator as it is; the rows of a dataset in their order."""
    return inputs if isinstance(inputs, Iterator) else (inputs[i] for i in range(len(inputs)))


def batches(items, size):
    """Lists of ``size`` items each, the last one perhaps shorter; reads no further than it must."""
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def mark_last(items):
    """Each item with whether it is the last one."""
    items = list(items)
    return [(item, number == len(items)) for number, item in enumerate(items, start=1)]


def is_column(value):
    """Whether this is one row of ids, or of something else that can be counted, for each token."""
    return is_array(value) and value.ndim > 1 and value.dtype.kind in "biu"


def row_of(value, number):
    """One input's part of what a batch gave: arrays stay (1, …), lists have one item an input."""
    if is_array(value):
        return value[number : number + 1]
    if isinstance(value, tuple):
        return tuple(row_of(one, number) for one in value)
    return value[number] if isinstance(value, list) else value
