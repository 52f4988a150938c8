"""Floor 6 · Virtual tokens: the base model stays as it is, and reads something learnt first.

Mirrors the prompt learning parts of peft/peft_model.py.

    prompt tuning   learnt vectors │ vectors of the text          before the first layer
    prefix tuning   learnt keys and values │ those of the text    in the cache of every layer
"""

from dataclasses import dataclass

from tinyhf.autograd import concatenate, plain
from tinyhf.backend import array_module, device_of, to_device
from tinyhf.nn import DynamicCache
from tinyhf.peft.config import PeftConfig, PeftType, TaskType


@dataclass(kw_only=True)
class PromptLearningConfig(PeftConfig):
    """What prefix and prompt tuning share; what is None is taken from the base model's config.

    Args:
        num_virtual_tokens: how many tokens stand before the text.
        token_dim: numbers of a virtual token's vector; of its keys in one layer for a prefix.
        num_attention_heads: that the keys are divided among.
        num_layers: of the base model.
        num_transformer_submodules: 1, a decoder.
    """

    num_virtual_tokens: int | None = None
    token_dim: int | None = None
    num_attention_heads: int | None = None
    num_layers: int | None = None
    num_transformer_submodules: int | None = None
    modules_to_save: list | None = None

    is_prompt_learning = True

    def __post_init__(self):
        super().__post_init__()
        self.require_positive("num_virtual_tokens")
        if self.task_type != TaskType.CAUSAL_LM:
            problem, got = "virtual tokens stand before the text of a decoder", self.task_type
            raise self.error("task_type", problem, wanted="CAUSAL_LM", got=got)
        if self.modules_to_save:
            problem = "is not available beside virtual tokens"
            raise self.error("modules_to_save", problem, got=self.modules_to_save)

    def fill_in(self, model_config):
        """Take from the base model what was not given."""
        if model_config.is_encoder_decoder:
            got = type(model_config).__name__
            raise self.error("task_type", "the base model is no decoder alone", got=got)
        heads = model_config.num_attention_heads
        self.num_layers = self.num_layers or model_config.num_hidden_layers
        self.token_dim = self.token_dim or model_config.hidden_size
        self.num_attention_heads = self.num_attention_heads or heads
        self.num_transformer_submodules = 1


def virtual_tokens(batch, count, like):
    """The numbers of the virtual tokens, (batch, count), where the array ``like`` is."""
    xp = array_module(like)
    return xp.broadcast_to(xp.arange(count), (batch, count))


def with_constant(value, count, array):
    """``count`` columns of ``value``, then (batch, seq)."""
    xp = array_module(array)
    return xp.concatenate([xp.full((len(array), count), value, array.dtype), array], axis=1)


class PromptLearning:
    """What PeftModelForCausalLM does where virtual tokens stand before the text."""

    @property
    def has_prefix(self):
        """Whether it is keys and values that are learnt."""
        return self.active_peft_config.peft_type == PeftType.PREFIX_TUNING

    def get_prompt(self, batch):
        """The learnt vectors (batch, virtual, hidden), or a cache that begins with a prefix."""
        encoder = self.prompt_encoder[self.active_adapter]
        config = self.active_peft_config
        ids = virtual_tokens(batch, config.num_virtual_tokens, plain(encoder.embedding.weight))
        return encoder(ids)

    def forward_with_prompt(
        self, input_ids=None, attention_mask=None, inputs_embeds=None, labels=None, **kwargs
    ):
        """As the base model's forward; the virtual tokens have no labels."""
        count = self.active_peft_config.num_virtual_tokens
        batch = len(input_ids if inputs_embeds is None else inputs_embeds)
        positions = kwargs.pop("position_ids", None)
        if positions is not None and self.has_prefix:  # as PEFT, which ignores them elsewhere
            kwargs["position_ids"] = positions + count
        if attention_mask is not None:
            attention_mask = with_constant(1, count, attention_mask)
        prompt = self.get_prompt(batch)
        if isinstance(prompt, DynamicCache):
            text = {"input_ids": input_ids, "inputs_embeds": inputs_embeds}
            text |= {"past_key_values": prompt, "labels": labels}
        else:
            if inputs_embeds is None:
                inputs_embeds = self.base_model.get_input_embeddings()(input_ids)
            labels = None if labels is None else with_constant(-100, count, labels)
            embeds = concatenate(prompt, inputs_embeds, 1)
            text = {"inputs_embeds": embeds, "labels": labels}
        return self.base_model(attention_mask=attention_mask, **text, **kwargs)

    def prepare_inputs_for_generation(
        self, input_ids, past_key_values=None, attention_mask=None, **kwargs
    ):
        """What one step of ``generate`` passes to the base model: at first with the prompt."""
        count = self.active_peft_config.num_virtual_tokens
        if attention_mask is not None:
            attention_mask = with_constant(1, count, attention_mask)
        is_first = past_key_values is None or past_key_values.get_seq_length() == 0
        prompt = self.get_prompt(len(input_ids)) if is_first else None
        if isinstance(prompt, DynamicCache):
            past_key_values, prompt = prompt, None
        step = type(self.base_model).prepare_inputs_for_generation(
            self.base_model,
            with_constant(0, count, input_ids),  # so that the cache is as long as the ids
            past_key_values=past_key_values,
            attention_mask=attention_mask,
            **kwargs,
        )
        if not self.has_prefix:
            step.pop("position_ids", None)  # counted on from the cache, as PEFT does
        if prompt is not None:
            table = self.base_model.get_input_embeddings()
            embeds = table(to_device(input_ids, device_of(plain(prompt))))
            step |= {"input_ids": None, "inputs_embeds": concatenate(prompt, embeds, 1)}
        return step
