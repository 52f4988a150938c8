"""Floor 5 · PreTrainedModel: what every model of every family can do.

Mirrors transformers/modeling_utils.py. ``from_pretrained`` is the way from a name to a model, in
the stages that the comments number; each stage is a function of ``tinyhf.models.loading``.
"""

import inspect
from pathlib import Path

from tinyhf.autograd import plain
from tinyhf.backend import as_dtype, float32, is_float, parse_device
from tinyhf.checkpoint import find_checkpoint, save_state_dict
from tinyhf.configuration import GenerationConfig
from tinyhf.errors import DeviceError
from tinyhf.hub import HubOptions, cached_file
from tinyhf.models.dispatch import check_memory, dispatch_model
from tinyhf.models.initialization import init_weights, random_values
from tinyhf.models.loading import (
    _load_pretrained_model,
    choose_dtype,
    forget_leftovers,
    load_config,
    load_generation_config,
    report_differences,
)
from tinyhf.models.parts import count_parameters
from tinyhf.models.placement import DISK, place_model
from tinyhf.models.shared_stages import SharedStages
from tinyhf.nn import Module, Unloaded
from tinyhf.nn.checkpointing import (
    gradient_checkpointing_disable,
    gradient_checkpointing_enable,
    is_checkpointed,
    layers_of,
)


class PreTrainedModel(SharedStages, Module):
    """A model with a config, that can be loaded, saved and moved.

    ``generate`` is added one floor up, by ``tinyhf.generation``.
    """

    config_class = None

    #: Where the model without head hangs below the one with head: "model" in LlamaForCausalLM.
    base_model_prefix = ""

    #: Where the table of token vectors is in the model without head.
    input_embeddings = "embed_tokens"

    #: Parameter → the one it is tied to when ``config.tie_word_embeddings`` is set.
    tied_weights_keys = {}

    #: Whether they are tied even where a checkpoint holds other values for both.
    is_always_tied = False

    #: Patterns of names that old checkpoints hold and no model needs.
    keys_to_ignore_on_load_unexpected = ()

    #: Patterns of names that a checkpoint may lack: their first values are the right ones.
    keys_to_ignore_on_load_missing = ()

    #: Names that are not saved, for the same reason.
    keys_to_ignore_on_save = ()

    #: Names of modules whose weights transformers draws twice: after all others of their parent.
    drawn_again = ()

    #: Modules whose numbers float16 is too narrow for; they stay in float32.
    keep_in_fp32_modules = ()

    def __init__(self, config):
        self.config = config
        self.name_or_path = config.name_or_path
        self.device = "cpu"
        self.hf_device_map = {"": "cpu"}  # path of a part → where its weights are
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
        max_memory=None,
        use_safetensors=None,
        variant=None,
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
            device_map: None or "cpu"; "cuda", "cuda:1"; "auto" fills GPUs, then the CPU, and leaves
                the rest on "disk", in the mapped file; or a dict, path of a module → device.
            max_memory: for "auto": device → bytes or "10GB", in place of what is free.
            use_safetensors: False reads ``.bin`` files even beside safetensors, True never.
            variant: a word in the names of the files, as "fp16" in ``model.fp16.safetensors``.
            ignore_mismatched_sizes: give parameters whose shape differs new random values.
            output_loading_info: also return a dict of missing_keys, unexpected_keys,
                mismatched_keys and error_msgs.
            kwargs: hub options (revision, token, cache_dir …), config fields to replace, and
                arguments of the class, such as BertModel's add_pooling_layer.

        Raises:
            HubError, ConfigError, CheckpointError, WeightMismatchError, NotEnoughMemoryError.
        """
        name = str(pretrained_model_name_or_path)
        hub_options = HubOptions.pop_from(kwargs)
        dtype = kwargs.pop("torch_dtype", dtype)
        dtype = dtype if dtype == "auto" else as_dtype(dtype or float32)
        forget_leftovers(kwargs)
        arguments = inspect.signature(cls.__init__).parameters.keys() - {"self", "config"}
        model_kwargs = {name: kwargs.pop(name) for name in arguments & kwargs.keys()}

        # 1. config.json → what kind of model, how large
        config = load_config(cls, name, config, hub_options, kwargs)
        # 2. which files hold the weights: all from the commit that the config came from
        hub_options = hub_options.at_commit_of(config._source)
        checkpoint = find_checkpoint(
            name, lambda file: cached_file(name, file, hub_options), use_safetensors, variant
        )
        # 3. the model itself, with no weights in memory yet
        model = cls(config, **model_kwargs)
        places = model.state_dict()  # full name → Unloaded(shape)
        # 4. where the weights go and how they are stored: does that fit?
        dtype = choose_dtype(dtype, config, checkpoint)
        placement = place_model(model, places, device_map, dtype, max_memory)
        check_memory(name, placement)
        # 5. shard by shard, tensor by tensor: cast, move, put in place
        loading_info = _load_pretrained_model(
            model, places, checkpoint.files, placement, ignore_mismatched_sizes
        )
        dispatch_model(model, placement)
        report_differences(model, name, loading_info)
        # 6. how it likes to generate
        model.generation_config = load_generation_config(model, name, hub_options)
        return (model, loading_info.to_dict()) if output_loading_info else model

    def save_pretrained(self, save_directory, max_shard_size="50GB"):
        """Write config, weights and, if it generates, its settings, in the form transformers reads.

        Args:
            save_directory: a folder, made if need be.
            max_shard_size: larger models are split into shards with an index.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        left_out = {*self.keys_to_ignore_on_save}
        if self.config.tie_word_embeddings:
            left_out |= self.tied_weights_keys.keys()
        own = self.state_dict().items()
        weights = {key: plain(value) for key, value in own if key not in left_out}
        save_state_dict(weights, folder, max_shard_size)  # first: it may be interrupted
        self.config.architectures = [type(self).__name__]
        self.config.dtype = self.dtype.name
        self.config.save_pretrained(folder)
        if self.can_generate():
            self.generation_config.save_pretrained(folder)

    def init_weights(self, seed=None):
        """Give every parameter a random start: the numbers of transformers for the same ``seed``.

        None goes on drawing from the default generator, which ``set_seed`` starts over.
        """
        init_weights(self, self.state_dict(), seed, is_new=True)
        return self

    def initial_values(self, name, generator):
        """The start of one parameter, as a float32 array on the host."""
        return random_values(self, name, self.initial_std(name), generator)

    def initial_std(self, name):
        """The standard deviation of the random start of a matrix or table."""
        return self.config.initializer_range

    def tie_weights(self):
        """Let tied parameters be one and the same array."""
        if self.config.tie_word_embeddings:
            for name, source in self.tied_weights_keys.items():
                self.set_parameter(name, self.get_parameter(source))

    # ---- what and where it is ----------------------------------------------------------------

    @property
    def dtype(self):
        """How the weights are stored; float32 before they are loaded."""
        places = self.state_dict().values()
        first = next(x for x in places if isinstance(x, Unloaded) or is_float(x.dtype))
        return float32 if isinstance(first, Unloaded) else first.dtype

    @property
    def base_model(self):
        """The model without its head."""
        return getattr(self, self.base_model_prefix, self)

    def get_input_embeddings(self):
        """The table of token vectors."""
        return self.base_model.get_submodule(self.input_embeddings)

    def num_parameters(self):
        """How many numbers the model learnt; tied ones count once."""
        return count_parameters(dict(self.named_parameters()))

    def to(self, device):
        """Move all arrays to ``device``, in place.

        Raises:
            DeviceError: the model is spread over several devices, or its weights are on disk.
        """
        if set(self.hf_device_map) != {""} or DISK in self.hf_device_map.values():
            places = sorted(set(self.hf_device_map.values()))
            fix = "Load it with device_map= for the place where it should be"
            raise DeviceError("its parts stay where they are", where="to", got=places, fix=fix)
        self.device = parse_device(device)
        self.hf_device_map = {"": self.device}
        return self.move_arrays(self.device)

    # ---- training ----------------------------------------------------------------------------

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs=None):
        """In training, compute every layer again in ``backward``: less memory, more time.

        Args:
            gradient_checkpointing_kwargs: for transformers' sake; there is only one kind here.
        """
        gradient_checkpointing_enable(self)

    def gradient_checkpointing_disable(self):
        """Take it back."""
        gradient_checkpointing_disable(self)

    @property
    def is_gradient_checkpointing(self):
        """Whether layers are computed again in ``backward``."""
        return any(map(is_checkpointed, layers_of(self)))

    def can_generate(self):
        """Whether it has a language-model head."""
        return hasattr(self, "lm_head")
