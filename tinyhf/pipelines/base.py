"""Floor 7 · Pipeline: text in, answer out, in three steps that every task fills in.

Mirrors transformers/pipelines/base.py.

    text ── preprocess ── ids ── forward (on the device) ── ids ── postprocess ── answer
"""

import types

from tinyhf.backend import device_context, is_array, parse_device, to_device


class Pipeline:
    """Base of all tasks; a task writes four methods.

    ``_sanitize_parameters(**kwargs)``: sorts keywords into those of the three steps.
    ``preprocess(inputs, **params)``: what the user gave → dict of arrays for the model.
    ``_forward(model_inputs, **params)``: runs the model.
    ``postprocess(model_outputs, **params)``: arrays → what the user gets.

    Args:
        model, tokenizer: the loaded pair.
        task: the name it was asked for.
        device: where the model is moved; None leaves it where it is.
        kwargs: defaults for every call.
    """

    def __init__(self, model, tokenizer=None, task="", device=None, **kwargs):
        self.task, self.model, self.tokenizer = task, model, tokenizer
        if device is not None:
            model.to(parse_device(device))
        self.device = model.device
        params = self._sanitize_parameters(**kwargs)
        self._preprocess_params, self._forward_params, self._postprocess_params = params

    def __call__(self, inputs, *, batch_size=None, num_workers=None, **kwargs):
        """Run the three steps on one input, on a list of them, or lazily on a generator.

        Args:
            inputs: one input of the task, a list, or a generator.
            batch_size, num_workers: accepted; inputs run one by one, with the same results.
            kwargs: as in the constructor, for this call only.
        """
        preprocess_params, forward_params, postprocess_params = self._sanitize_parameters(**kwargs)
        params = (
            {**self._preprocess_params, **preprocess_params},
            {**self._forward_params, **forward_params},
            {**self._postprocess_params, **postprocess_params},
        )
        if isinstance(inputs, types.GeneratorType):
            return (self.run_single(one, *params) for one in inputs)
        if isinstance(inputs, list | tuple) and not self.is_single(inputs):
            return [self.run_single(one, *params) for one in inputs]
        return self.run_single(inputs, *params)

    def is_single(self, inputs):
        """Whether a list is one input of this task (such as a chat), not several."""
        return False

    def run_single(self, inputs, preprocess_params, forward_params, postprocess_params):
        """The three steps for one input."""
        model_inputs = self.preprocess(inputs, **preprocess_params)
        model_outputs = self.forward(model_inputs, **forward_params)
        return self.postprocess(model_outputs, **postprocess_params)

    def forward(self, model_inputs, **forward_params):
        """Inputs to the model's device, run, outputs back to the host."""
        with device_context(self.device):
            model_inputs = self._ensure_tensor_on_device(model_inputs, self.device)
            model_outputs = self._forward(model_inputs, **forward_params)
            return self._ensure_tensor_on_device(model_outputs, "cpu")

    def _ensure_tensor_on_device(self, inputs, device):
        return {name: to_device(x, device) if is_array(x) else x for name, x in inputs.items()}

    def save_pretrained(self, save_directory):
        """Save model and tokenizer side by side."""
        self.model.save_pretrained(save_directory)
        self.tokenizer.save_pretrained(save_directory)

    def __repr__(self):
        return (
            f"{type(self).__name__}(task={self.task!r}, model={type(self.model).__name__}, "
            f"dtype={self.model.dtype}, device={self.device!r})"
        )
