"""Floor 5 · ChatGLM-6B: the first one, which reads a prompt both ways and then writes its answer.

Mirrors modeling_chatglm.py of THUDM/chatglm-6b (Du et al., 2022; Zeng et al., 2022), which is code
of that repository, not of transformers. Read it from top to bottom; the last class is the whole
model:

    input_ids ─ word_embeddings ─┬─ layers × num_layers ─────┬─ final_layernorm ─ lm_head ─ logits
                                 │   a = norm(x)             │
                                 │   x = α·a + attention(a)  │   the normed vector goes on,
                                 │   m = norm(x)             │   not the one before the norm
                                 └── x = α·m + mlp(m) ───────┘

Shapes: batch, seq = new tokens, total = cached + new tokens, hidden = hidden_size = heads ×
head_dim. Which token sees which, and the two positions of a token, are drawn in functional/glm.py.
"""

from tinyhf.backend import float16
from tinyhf.functional import (
    apply_rotary_pos_emb,
    apply_rotary_pos_emb_2d,
    attention_scores,
    causal_lm_loss,
    default_frequencies,
    gelu_tanh,
    glm_attention_weights,
    merge_heads,
    mix_values,
    rotary_tables,
    split_heads,
)
from tinyhf.models.chatglm_prompt import (
    check_mask,
    check_positions,
    get_masks,
    get_position_ids,
)
from tinyhf.models.configuration_chatglm import ChatGLMConfig
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    BaseModelOutputWithPast,
    CausalLMOutputWithPast,
    LayerNorm,
    Module,
    ModuleList,
    make_embedding,
    make_linear,
)

#: α = sqrt(2 · 28): the reference takes ChatGLM-6B's 28 layers, however many the config asks for.
RESIDUAL_SCALE = (2 * 28) ** 0.5


class RotaryEmbedding(Module):
    """Positions to the cos and sin by which heads, or halves of heads, are turned."""

    def __init__(self, dim):
        frequencies, _ = default_frequencies(dim, {"rope_theta": 10000.0})
        self.inv_freq = frequencies.astype(float16)  # rounded, as in the published checkpoint

    def forward(self, x, position_ids):
        """(batch, seq) → cos, sin, each (batch, seq, dim), computed in the type of ``x``."""
        return rotary_tables(position_ids, self.inv_freq.astype(x.dtype))


class SelfAttention(Module):
    """Tokens look at each other; q, k and v come from one matrix, head by head."""

    def __init__(self, config, layer_id):
        self.layer_id = layer_id
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.position_encoding_2d = config.position_encoding_2d
        self.rotary_emb = RotaryEmbedding(self.head_dim // (2 if self.position_encoding_2d else 1))
        bits, hidden = config.quantization_bit, config.hidden_size
        self.query_key_value = make_linear(bits, hidden, 3 * hidden)
        self.dense = make_linear(bits, hidden, hidden)

    def forward(self, hidden_states, position_ids, attention_mask, past_key_values):
        size = self.head_dim
        mixed = split_heads(self.query_key_value(hidden_states), 3 * size)
        parts = tuple(mixed[..., i * size : (i + 1) * size] for i in range(3))
        query, key, value = self.record(("q", "k", "v"), parts)  # (batch, heads, seq, head_dim)
        query, key = self.record(("q_rotary", "k_rotary"), self.rotate(query, key, position_ids))

        if past_key_values is not None:  # (batch, heads, total, head_dim) from here on
            key, value = past_key_values.update(key, value, self.layer_id)

        shrink = self.layer_id + 1  # keeps the scores of deep layers within float16
        query = query * (1 / (size**0.5 * shrink))
        scores = self.record("scores", attention_scores(query, key, 1.0))
        weights = self.record("pattern", glm_attention_weights(scores, attention_mask, shrink))
        mixed = self.record("z", mix_values(weights, value))  # (batch, heads, seq, head_dim)
        return self.dense(merge_heads(mixed)), weights

    def rotate(self, query, key, position_ids):
        """Turn q and k by the positions: (batch, 2, seq), or without 2D positions (batch, seq)."""
        if not self.position_encoding_2d:
            return apply_rotary_pos_emb(query, key, *self.rotary_emb(query, position_ids))
        tables = self.rotary_emb(query, position_ids[:, 0])
        block_tables = self.rotary_emb(query, position_ids[:, 1])
        return apply_rotary_pos_emb_2d(query, key, tables, block_tables)


class GLU(Module):
    """Each token on its own: hidden → inner_hidden_size → hidden (not gated, despite its name)."""

    def __init__(self, config):
        bits, hidden, inner = config.quantization_bit, config.hidden_size, config.inner_hidden_size
        self.dense_h_to_4h = make_linear(bits, hidden, inner)
        self.dense_4h_to_h = make_linear(bits, inner, hidden)

    def forward(self, hidden_states):
        bent = self.record("act", gelu_tanh(self.dense_h_to_4h(hidden_states)))
        return self.dense_4h_to_h(bent)


class GLMBlock(Module):
    """Attention, then MLP; each adds what it found to α times what it read."""

    def __init__(self, config, layer_id):
        self.input_layernorm = LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.attention = SelfAttention(config, layer_id)
        self.post_attention_layernorm = LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.mlp = GLU(config)

    def forward(self, hidden_states, position_ids, attention_mask, past_key_values):
        normed = self.input_layernorm(hidden_states)
        mixed, weights = self.attention(normed, position_ids, attention_mask, past_key_values)
        residual = self.record("residual_mid", normed * RESIDUAL_SCALE + mixed)
        normed = self.post_attention_layernorm(residual)
        return normed * RESIDUAL_SCALE + self.mlp(normed), weights


class ChatGLMPreTrainedModel(PreTrainedModel):
    """What ChatGLMModel and ChatGLMForConditionalGeneration share."""

    config_class = ChatGLMConfig
    base_model_prefix = "transformer"
    input_embeddings = "word_embeddings"
    keys_to_ignore_on_load_unexpected = (r"rotary_emb\.inv_freq$",)


class ChatGLMModel(ChatGLMPreTrainedModel):
    """Ids to hidden states: embedding, layers, norm."""

    def __init__(self, config):
        super().__init__(config)
        bits = config.quantization_bit if config.quantization_embeddings else 0
        self.word_embeddings = make_embedding(bits, config.vocab_size, config.hidden_size)
        self.layers = ModuleList(
            GLMBlock(config, layer_id) for layer_id in range(config.num_layers)
        )
        self.final_layernorm = LayerNorm(config.hidden_size, config.layernorm_epsilon)

    def forward(
        self,
        input_ids=None,
        position_ids=None,
        attention_mask=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass over the new tokens.

        Args:
            input_ids: (batch, seq), or ``inputs_embeds``: (batch, seq, hidden).
            position_ids: (batch, 2, seq), or (batch, seq) without 2D positions; None reads them
                from the ids, where [gMASK] or [MASK], and <sop>, must stand.
            attention_mask: bool, (batch, 1, seq, total), True hides. None reads it from the ids,
                or hides nothing when there is a cache.
            past_key_values: a ``DynamicCache``; with ``use_cache`` a new one is made if None.
            output_attentions, output_hidden_states: return those of every layer, too.
            return_dict: False gives a plain tuple.

        Returns:
            ``BaseModelOutputWithPast``; the last of its hidden_states is after the norm.
        """
        output_attentions = self.choose(output_attentions, "output_attentions")
        output_hidden_states = self.choose(output_hidden_states, "output_hidden_states")
        hidden_states = self.embed(input_ids, inputs_embeds)
        past_key_values = self.start_cache(past_key_values, use_cache)
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        if position_ids is None:
            position_ids = get_position_ids(self.config, None if past else input_ids)
        if attention_mask is None and not past:
            attention_mask = get_masks(self.config, input_ids)
        batch, seq, _ = hidden_states.shape
        check_positions(self.config, position_ids, batch, seq)
        check_mask(attention_mask, batch, seq, past + seq)

        all_hidden_states, all_attentions = (), ()
        for layer in self.layers:
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights = layer(
                hidden_states, position_ids, attention_mask, past_key_values
            )
            if output_attentions:
                all_attentions += (weights,)
        hidden_states = self.final_layernorm(hidden_states)
        if output_hidden_states:
            all_hidden_states += (hidden_states,)

        output = BaseModelOutputWithPast(
            last_hidden_state=hidden_states,
            past_key_values=past_key_values,
            hidden_states=all_hidden_states or None,
            attentions=all_attentions or None,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()


class ChatGLMForConditionalGeneration(ChatGLMPreTrainedModel):
    """Ids to logits; ``chat`` and ``stream_chat`` are added one floor up, by tinyhf.generation."""

    tied_weights_keys = {"lm_head.weight": "transformer.word_embeddings.weight"}
    is_always_tied = True

    def __init__(self, config):
        super().__init__(config)
        self.transformer = ChatGLMModel(config)
        bits = config.quantization_bit if config.quantization_embeddings else 0
        self.lm_head = make_linear(bits, config.hidden_size, config.vocab_size, bias=False)
        self.tie_weights()

    def forward(
        self,
        input_ids=None,
        position_ids=None,
        attention_mask=None,
        past_key_values=None,
        inputs_embeds=None,
        labels=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
        logits_to_keep=0,
    ):
        """As ``ChatGLMModel.forward``, and:

        Args:
            labels: (batch, seq): the ids themselves; -100 is not counted in the loss.
            logits_to_keep: compute only the last n logits; 0 means all.

        Returns:
            ``CausalLMOutputWithPast``.
        """
        outputs = self.transformer(
            input_ids=input_ids,
            position_ids=position_ids,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.lm_head(outputs.last_hidden_state[:, -logits_to_keep:])
        output = CausalLMOutputWithPast(
            loss=None if labels is None else causal_lm_loss(logits, labels),
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def prepare_inputs_for_generation(
        self,
        input_ids,
        past_key_values=None,
        attention_mask=None,
        position_ids=None,
        use_cache=True,
        **kwargs,
    ):
        """What one step of ``generate`` passes to ``forward``: tokens that are not cached yet.

        Their positions are read from all ids, unless the tokenizer gave some with its padding.
        """
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        if position_ids is None:
            position_ids = get_position_ids(self.config, input_ids)
        step = {**kwargs, "past_key_values": past_key_values, "use_cache": use_cache}
        step["input_ids"] = input_ids[:, past:]  # (batch, seq)
        step["position_ids"] = position_ids[..., past:]
        if attention_mask is not None:
            step["attention_mask"] = attention_mask[:, :, past:]  # (batch, 1, seq, total)
        return step
