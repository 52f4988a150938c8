"""Floor 6 · An adapter's folder: adapter_config.json and adapter_model.safetensors.

Mirrors peft/utils/save_and_load.py. The names in the file are those of the model without the
adapter's own, so that it can be given another name when it is loaded:

    base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight
"""

import os
from pathlib import Path

from safetensors.numpy import save_file

from tinyhf.autograd import Tensor, no_grad, plain
from tinyhf.backend import cast, device_of, to_device, to_host
from tinyhf.checkpoint import load_state_dict
from tinyhf.errors import CheckpointError, TinyHFError, WeightMismatchError
from tinyhf.hub import HubOptions, cached_file
from tinyhf.peft.config import PeftConfig
from tinyhf.peft.prompt_learning import virtual_tokens

SAFETENSORS_WEIGHTS_NAME = "adapter_model.safetensors"
WEIGHTS_NAME = "adapter_model.bin"


def save_adapter(model, adapter_name, save_directory):
    """Write one adapter; the file of an earlier save stays whole until the new one is complete."""
    folder = Path(save_directory)
    folder = folder if adapter_name == "default" else folder / adapter_name
    folder.mkdir(parents=True, exist_ok=True)
    arrays = arrays_to_save(model, adapter_name)
    temporary = folder / f"{SAFETENSORS_WEIGHTS_NAME}.tmp"
    try:
        arrays = {name: array.copy(order="C") for name, array in arrays.items()}
        save_file(arrays, temporary, metadata={"format": "pt"})
        os.replace(temporary, folder / SAFETENSORS_WEIGHTS_NAME)
    finally:
        temporary.unlink(missing_ok=True)
    model.peft_config[adapter_name].save_pretrained(folder)


def names_in_file(model, adapter_name):
    """Full name of a parameter → its name in the adapter's file."""
    if model.is_prompt_learning:
        return {f"prompt_encoder.{adapter_name}.embedding.weight": "prompt_embeddings"}
    return model.base_model.names_to_save(adapter_name, model.peft_config[adapter_name])


def arrays_to_save(model, adapter_name):
    """Name in the file → plain array on the host."""
    if model.is_prompt_learning:
        encoder, config = model.prompt_encoder[adapter_name], model.peft_config[adapter_name]
        with no_grad():  # a network that makes the prefix is for training only
            ids = virtual_tokens(1, config.num_virtual_tokens, plain(encoder.embedding.weight))
            return {"prompt_embeddings": to_host(encoder.flat(ids))[0]}
    names = names_in_file(model, adapter_name)
    return {end: to_host(plain(model.get_parameter(name))) for name, end in names.items()}


def load_adapter_weights(model, adapter_name, model_id, hub_arguments):
    """Put an adapter's arrays in place.

    Raises:
        CheckpointError: there is no file of weights.
        WeightMismatchError: it does not hold what the config and the base model ask for.
    """
    places = {end: name for name, end in names_in_file(model, adapter_name).items()}
    state_dict = load_state_dict(find_weights(str(model_id), hub_arguments))
    if problems := find_problems(model, places, state_dict.tensors):
        raise WeightMismatchError(
            "the adapter does not fit this base model and its own config:\n" + "\n".join(problems),
            where=str(model_id),
            fix="Is this the base model that it was trained on?",
        )
    for key, array in state_dict.items():
        name = places.get(key, key)
        before = model.get_parameter(name)
        array = to_device(cast(array.copy(), before.dtype), device_of(plain(before)))
        if isinstance(before, Tensor):  # an optimizer may hold it
            before.array = array
        else:
            model.set_parameter(name, array)


def find_weights(name, hub_arguments):
    """The path of the file."""
    options = HubOptions.pop_from(dict(hub_arguments))
    for file_name in (SAFETENSORS_WEIGHTS_NAME, WEIGHTS_NAME):
        if (path := cached_file(name, file_name, options)) is not None:
            return path
    raise CheckpointError(
        f"there is neither {SAFETENSORS_WEIGHTS_NAME} nor {WEIGHTS_NAME}", where=name
    )


def find_problems(model, places, tensors):
    """A line for each kind of difference; base weights that PEFT saved beside an adapter fit."""
    own = model.state_dict()
    missing = [name for name in places if name not in tensors]
    unexpected = [name for name in tensors if name not in places and name not in own]
    lines = [list_names("  the file lacks", missing)] if missing else []
    lines += [list_names("  the model has no place for", unexpected)] if unexpected else []
    for name, tensor in tensors.items():
        shape = tuple(own[places.get(name, name)].shape) if name not in unexpected else tensor.shape
        if shape != tuple(tensor.shape):
            lines.append(f"  {name}: {tuple(tensor.shape)} in the file, {shape} in the model")
    return lines[:8] + [f"  … and {len(lines) - 8} more"] * (len(lines) > 8)


def list_names(head, names):
    """The first of some names."""
    return f"{head} {', '.join(names[:3])}" + (f" … ({len(names)} in all)" if names[3:] else "")


class AdapterFiles:
    """The methods of PeftModel that read and write."""

    def save_pretrained(self, save_directory, selected_adapters=None, **kwargs):
        """Write the adapters, not the base model, in the form PEFT reads.

        Args:
            save_directory: of the adapter "default"; others get a folder of their name in it.
            selected_adapters: names; None for all.
            kwargs: what else PEFT takes changes nothing here.
        """
        for name in selected_adapters or self.peft_config:
            self._config_of(name)
            save_adapter(self, name, save_directory)

    @classmethod
    def from_pretrained(
        cls, model, model_id, adapter_name="default", is_trainable=False, config=None, **kwargs
    ):
        """A base model with an adapter from a folder or a repo.

        Args:
            model: the base model; it is wrapped in place.
            model_id: where adapter_config.json and adapter_model.safetensors are.
            is_trainable: go on training it; False leaves it as plain arrays.
            config: in place of the folder's.
            kwargs: hub options (revision, token, cache_dir …).

        Raises:
            ConfigError, CheckpointError, WeightMismatchError: in every case the model is as before.
        """
        config = config or PeftConfig.from_pretrained(model_id, **kwargs)
        config.inference_mode = not is_trainable
        peft_model = cls.class_for(config)(model, config, adapter_name)
        try:
            load_adapter_weights(peft_model, adapter_name, model_id, kwargs)
        except TinyHFError:
            peft_model.unload()
            raise
        peft_model.set_adapter(adapter_name)
        return peft_model

    def load_adapter(self, model_id, adapter_name, is_trainable=False, **kwargs):
        """One more adapter from a folder or a repo, or other values for the one of this name.

        ``set_adapter`` lets it act.
        """
        config = PeftConfig.from_pretrained(model_id, **kwargs)
        config.inference_mode = not is_trainable
        is_new = adapter_name not in self.peft_config
        if is_new:
            self.add_adapter(adapter_name, config)
        try:
            load_adapter_weights(self, adapter_name, model_id, kwargs)
        except TinyHFError:
            if is_new:
                self._forget(adapter_name)
            raise
        self.peft_config[adapter_name].inference_mode = config.inference_mode
        self.set_adapter(self.active_adapter)
