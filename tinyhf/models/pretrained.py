"""Floor 5 · PreTrainedModel: what every model of every family can do.

Mirrors transformers/modeling_utils.py. ``from_pretrained`` is the way from a name to a model, in
the stages that the comments number; each stage is a function of ``tinyhf.models.loading``.
"""

from pathlib import Path

from tinyhf.backend import array_module, as_dtype, float32, parse_device
from tinyhf.checkpoint import find_checkpoint, save_state_dict
from tinyhf.configuration import GenerationConfig
from tinyhf.errors import ArgumentError
from tinyhf.functional import causal_mask
from tinyhf.hub import HubOptions, cached_file
from tinyhf.models.initialization import init_weights
from tinyhf.models.loading import (
    _load_pretrained_model,
    check_memory,
    choose_device,
    choose_dtype,
    count_parameters,
    forget_leftovers,
    load_config,
    load_generation_config,
    report_differences,
)
from tinyhf.nn import DynamicCache, Module, Unloaded


class PreTrainedModel(Module):
    """A model with a config, that can be loaded, saved and moved.

    ``generate`` is added one floor up, by ``tinyhf.generation``.
    """

    config_class = None

    #: Where the model without head hangs below the one with head: "model" in LlamaForCausalLM.
    base_model_prefix = ""

    #: Parameter → the one it is tied to when ``config.tie_word_embeddings`` is set.
    tied_weights_keys = {}

    #: Patterns of names that old checkpoints hold and no model needs.
    keys_to_ignore_on_load_unexpected = ()

    def __init__(self, config):
        self.config = config
        self.name_or_path = config.name_or_path
        self.device = "cpu"
        self.generation_config = GenerationConfig.from_model_config(config)

    # ---- from a name to a model, and back ----------------------------------------------------

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path,
        *,
        config=None,
        dtype=None,
        device_map=None,
        ignore_mismatched_sizes=False,
        output_loading_info=False,
        **kwargs,
    ):
        """Load a model from a local folder or a repo on the hub.

        Args:
            pretrained_model_name_or_path: "owner/name", a folder, or a bundled model.
            config: a config to use in place of the folder's; it is copied.
            dtype: how weights are stored in memory: None is float32, "auto" is the checkpoint's,
                or "float16", "bfloat16", ``numpy.float32`` … (``torch_dtype`` means the same).
            device_map: None or "cpu"; "cuda", "cuda:1"; "auto" is the GPU if the model fits there.
            ignore_mismatched_sizes: give parameters whose shape differs new random values.
            output_loading_info: also return a dict of missing_keys, unexpected_keys,
                mismatched_keys and error_msgs.
            kwargs: hub options (revision, token, cache_dir …) and config fields to replace.

        Raises:
            HubError, ConfigError, CheckpointError, WeightMismatchError, NotEnoughMemoryError.
        """
        name = str(pretrained_model_name_or_path)
        hub_options = HubOptions.pop_from(kwargs)
        dtype = kwargs.pop("torch_dtype", dtype)
        dtype = dtype if dtype == "auto" else as_dtype(dtype or float32)
        forget_leftovers(kwargs)

        # 1. config.json → what kind of model, how large
        config = load_config(cls, name, config, hub_options, kwargs)
        # 2. which files hold the weights: all from the commit that the config came from
        hub_options = hub_options.at_commit_of(config._source)
        checkpoint = find_checkpoint(name, lambda file: cached_file(name, file, hub_options))
        # 3. the model itself, with no weights in memory yet
        model = cls(config)
        places = model.state_dict()  # full name → Unloaded(shape)
        # 4. where the weights go and how they are stored: does that fit?
        dtype = choose_dtype(dtype, config, checkpoint)
        device = choose_device(device_map, places, dtype)
        check_memory(name, places, dtype, device)
        # 5. shard by shard, tensor by tensor: cast, move, put in place
        loading_info = _load_pretrained_model(
            model, places, checkpoint.files, dtype, device, ignore_mismatched_sizes
        )
        report_differences(model, name, loading_info)
        # 6. how it likes to generate
        model.generation_config = load_generation_config(model, name, hub_options)
        return (model, loading_info.to_dict()) if output_loading_info else model

    def save_pretrained(self, save_directory, max_shard_size="50GB"):
        """Write config, generation config and weights, in the form transformers reads.

        Args:
            save_directory: a folder, made if need be.
            max_shard_size: larger models are split into shards with an index.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        tied = self.tied_weights_keys if self.config.tie_word_embeddings else ()
        weights = {name: array for name, array in self.state_dict().items() if name not in tied}
        save_state_dict(weights, folder, max_shard_size)  # first: it may be interrupted
        self.config.architectures = [type(self).__name__]
        self.config.dtype = self.dtype.name
        self.config.save_pretrained(folder)
        self.generation_config.save_pretrained(folder)

    def init_weights(self, seed=None):
        """Give every parameter a random start, as for training; ``seed`` makes it repeatable."""
        init_weights(self, list(self.state_dict()), seed)
        return self

    def tie_weights(self):
        """Let tied parameters be one and the same array."""
        if self.config.tie_word_embeddings:
            for name, source in self.tied_weights_keys.items():
                self.set_parameter(name, self.get_parameter(source))

    # ---- what and where it is ----------------------------------------------------------------

    @property
    def dtype(self):
        """How the weights are stored; float32 before they are loaded."""
        first = next(iter(self.state_dict().values()))
        return float32 if isinstance(first, Unloaded) else first.dtype

    def num_parameters(self):
        """How many numbers the model learnt; tied ones count once."""
        return count_parameters(self.state_dict())

    def to(self, device):
        """Move all arrays to ``device``, in place."""
        self.device = parse_device(device)
        return self.move_arrays(self.device)

    def can_generate(self):
        """Whether it has a language-model head."""
        return hasattr(self, "lm_head")

    # ---- stages that the families share ------------------------------------------------------

    def choose(self, argument, field):
        """An argument of the call, or where it is None the field of the config."""
        return getattr(self.config, field) if argument is None else argument

    def embed(self, input_ids, inputs_embeds):
        """The vectors of the new tokens, looked up or given: (batch, seq, hidden)."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ArgumentError("give either input_ids or inputs_embeds", where="forward")
        return self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds

    def start_cache(self, past_key_values, use_cache):
        """The cache to use: the one given, a new one, or None."""
        if past_key_values is None and self.choose(use_cache, "use_cache"):
            return DynamicCache()
        return past_key_values

    def default_positions(self, position_ids, hidden_states, past_key_values):
        """Positions counted on from the cache, unless they are given: (1 or batch, seq)."""
        if position_ids is not None:
            return position_ids
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        return array_module(hidden_states).arange(past, past + hidden_states.shape[1])[None]

    def causal_mask(self, attention_mask, hidden_states, past_key_values, window=None):
        """What hides later tokens, padding, and tokens further back than ``window``.

        Returns:
            (1 or batch, 1, seq, total), or None if nothing is hidden.
        """
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        batch, seq, _ = hidden_states.shape
        if attention_mask is not None and attention_mask.shape != (batch, past + seq):
            raise ArgumentError(
                "the mask has another shape than the tokens",
                where="attention_mask",
                wanted=f"(batch, cached + new tokens) = {(batch, past + seq)}",
                got=tuple(attention_mask.shape),
            )
        xp = array_module(hidden_states)
        return causal_mask(attention_mask, seq, past + seq, hidden_states.dtype, xp, window)

    def prepare_inputs_for_generation(
        self, input_ids, past_key_values=None, attention_mask=None, use_cache=True, **kwargs
    ):
        """What one step of ``generate`` passes to ``forward``.

        Only tokens that are not in the cache yet go in, and each is told its position, which for
        left-padded rows is not its index:

            attention_mask  0 0 1 1 1     position_ids  0 0 0 1 2
        """
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        step = {**kwargs, "past_key_values": past_key_values, "use_cache": use_cache}
        step["input_ids"] = input_ids[:, past:]  # (batch, seq)
        if attention_mask is not None:
            step["attention_mask"] = attention_mask  # (batch, total)
            step["position_ids"] = ((attention_mask.cumsum(-1) - 1) * attention_mask)[:, past:]
        return step
