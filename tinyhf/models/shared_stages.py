"""Floor 5 · What the models of all families do before their first layer, and between two tokens.

Mirrors parts of transformers/masking_utils.py, modeling_utils.py and generation/utils.py.
"""

from tinyhf.backend import array_module
from tinyhf.errors import ArgumentError
from tinyhf.functional import causal_mask, padding_mask
from tinyhf.nn import DynamicCache, EncoderDecoderCache


class SharedStages:
    """Arguments, vectors, cache, positions and masks of a forward pass; ``PreTrainedModel`` is one.

    Shapes: batch, seq = new tokens, total = cached + new tokens, source = an encoder's tokens.
    """

    def choose(self, argument, field):
        """An argument of the call, or where it is None the field of the config."""
        return getattr(self.config, field) if argument is None else argument

    def check_inputs(self, input_ids, inputs_embeds):
        """The text comes either as ids or as their vectors."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ArgumentError("give either input_ids or inputs_embeds", where="forward")

    def embed(self, input_ids, inputs_embeds):
        """The vectors of the new tokens, looked up or given: (batch, seq, hidden)."""
        self.check_inputs(input_ids, inputs_embeds)
        table = self.get_submodule(self.input_embeddings)
        return table(input_ids) if inputs_embeds is None else inputs_embeds

    def start_cache(self, past_key_values, use_cache):
        """The cache to use: the one given, also in its older form of tuples; a new one; or None."""
        if past_key_values is None and self.choose(use_cache, "use_cache"):
            return DynamicCache()
        if isinstance(past_key_values, tuple):
            kind = EncoderDecoderCache if len(past_key_values[0]) == 4 else DynamicCache
            return kind.from_legacy_cache(past_key_values)
        return past_key_values

    def default_positions(self, position_ids, hidden_states, past_key_values):
        """Positions counted on from the cache, unless they are given: (1 or batch, seq)."""
        if position_ids is None:
            past = 0 if past_key_values is None else past_key_values.get_seq_length()
            position_ids = array_module(hidden_states).arange(hidden_states.shape[1])[None] + past
        return self.record("position_ids", position_ids)

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
        mask = causal_mask(attention_mask, seq, past + seq, hidden_states.dtype, xp, window)
        return self.record("causal_mask", mask)

    def encoder_mask(self, attention_mask, hidden_states, where="encoder_attention_mask"):
        """What hides an encoder's padding: (batch, 1, 1, source), or None if there is none."""
        if attention_mask is None:
            return None
        batch, source, _ = hidden_states.shape
        if attention_mask.shape != (batch, source):
            raise ArgumentError(
                "the mask has another shape than the encoder's tokens",
                where=where,
                wanted=f"(batch, source) = {(batch, source)}",
                got=tuple(attention_mask.shape),
            )
        mask = padding_mask(attention_mask, hidden_states.dtype, array_module(hidden_states))
        return self.record("encoder_mask", mask)

    def get_head_mask(self, head_mask, hidden_states):
        """What the attention weights of each layer are multiplied by: (heads, 1, 1), or None.

        Args:
            head_mask: (heads,) or (layers, heads): 1 keeps a head, 0 mutes it; or None.
        """
        layers, heads = self.config.num_hidden_layers, self.config.num_attention_heads
        if head_mask is None:
            return [None] * layers
        if head_mask.shape not in ((heads,), (layers, heads)):
            raise ArgumentError(
                "has another shape than the heads",
                where="head_mask",
                wanted=f"(heads,) = {(heads,)} or (layers, heads) = {(layers, heads)}",
                got=tuple(head_mask.shape),
            )
        factors = head_mask.astype(hidden_states.dtype)[..., None, None]
        return list(factors) if head_mask.ndim == 2 else [factors] * layers

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
        if "token_type_ids" in kwargs:
            step["token_type_ids"] = kwargs["token_type_ids"][:, past:]
        return step
