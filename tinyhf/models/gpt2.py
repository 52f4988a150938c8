"""Floor 5 · GPT-2: learned positions, one fused projection for q, k and v, weights as (in, out).

Mirrors transformers/models/gpt2/modeling_gpt2.py (Radford et al., 2019). Read it from top to
bottom; the last class is the whole model:

    input_ids ──── wte ─┐
    position_ids ─ wpe ─┴─┬─ h × n_layer ─────────────────────┬─ ln_f ─ lm_head ─ logits
                          │   x + attn(ln_1(x))               │
                          │   x + crossattention(…), if asked │
                          └── x + mlp(ln_2(x)) ───────────────┘

Shapes: batch, seq = new tokens, total = cached + new tokens, source = the encoder's tokens,
hidden = n_embd = heads × head_dim.
"""

from tinyhf.errors import ArgumentError
from tinyhf.functional import (
    attention_scores,
    attention_weights,
    causal_lm_loss,
    merge_heads,
    mix_values,
    split_heads,
)
from tinyhf.models.configuration_gpt2 import GPT2Config
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    ACT2FN,
    BaseModelOutputWithPastAndCrossAttentions,
    CausalLMOutputWithCrossAttentions,
    Conv1D,
    Dropout,
    DynamicCache,
    Embedding,
    EncoderDecoderCache,
    LayerNorm,
    Linear,
    Module,
    ModuleList,
)


class GPT2Attention(Module):
    """Tokens look at each other, or (``is_cross_attention``) at the tokens of an encoder."""

    def __init__(self, config, is_cross_attention=False, layer_idx=None):
        self.layer_idx, self.is_cross_attention = layer_idx, is_cross_attention
        hidden, self.heads = config.n_embd, config.n_head
        self.head_dim = hidden // self.heads
        depth = layer_idx + 1 if config.scale_attn_by_inverse_layer_idx else 1
        self.scaling = (self.head_dim**-0.5 if config.scale_attn_weights else 1.0) / depth
        self.c_attn = Conv1D((2 if is_cross_attention else 3) * hidden, hidden)
        if is_cross_attention:
            self.q_attn = Conv1D(hidden, hidden)
        self.c_proj = Conv1D(hidden, hidden)
        self.attn_dropout = Dropout(config.attn_pdrop)
        self.resid_dropout = Dropout(config.resid_pdrop)

    def forward(self, hidden_states, past_key_values, mask, head_mask, encoder_hidden_states=None):
        if self.is_cross_attention:
            query = self.record("q", split_heads(self.q_attn(hidden_states), self.head_dim))
            found = self.look_up(encoder_hidden_states, past_key_values)
            key, value = self.record(("k", "v"), found)  # (batch, heads, source, head_dim)
        else:
            fused = split_heads(self.c_attn(hidden_states), self.head_dim)
            query, key, value = self.record(("q", "k", "v"), self.take_apart(fused))
            if past_key_values is not None:  # (batch, heads, total, head_dim) from here on
                key, value = past_key_values.update(key, value, self.layer_idx)

        scores = self.record("scores", attention_scores(query, key, self.scaling))  # (…, total)
        weights = self.attn_dropout(attention_weights(scores, mask))
        weights = self.record("pattern", weights if head_mask is None else weights * head_mask)
        mixed = self.record("z", mix_values(weights, value))  # (batch, heads, seq, head_dim)
        return self.resid_dropout(self.c_proj(merge_heads(mixed))), weights

    def take_apart(self, fused):
        """(batch, 3 · heads, seq, head_dim): first all queries, then all keys, then all values."""
        heads = self.heads
        return fused[:, :heads], fused[:, heads : 2 * heads], fused[:, 2 * heads :]

    def look_up(self, encoder_hidden_states, past_key_values):
        """Keys and values of the encoder's tokens, from the cache once it has them."""
        cache = None if past_key_values is None else past_key_values.cross_attention_cache
        if cache is not None and cache.get_seq_length(self.layer_idx):
            return cache[self.layer_idx]
        fused = split_heads(self.c_attn(encoder_hidden_states), self.head_dim)
        key, value = fused[:, : self.heads], fused[:, self.heads :]
        return (key, value) if cache is None else cache.update(key, value, self.layer_idx)


class GPT2MLP(Module):
    """Each token on its own: hidden → intermediate, bent, → hidden."""

    def __init__(self, intermediate_size, config):
        self.c_fc = Conv1D(intermediate_size, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, intermediate_size)
        self.act = ACT2FN[config.activation_function]()
        self.dropout = Dropout(config.resid_pdrop)

    def forward(self, hidden_states):
        return self.dropout(self.c_proj(self.act(self.c_fc(hidden_states))))


class GPT2Block(Module):
    """Attention, then MLP; each adds to the residual stream what it found."""

    attention_class, mlp_class = GPT2Attention, GPT2MLP

    def __init__(self, config, layer_idx):
        hidden, eps = config.n_embd, config.layer_norm_epsilon
        self.ln_1 = LayerNorm(hidden, eps)
        self.attn = self.attention_class(config, layer_idx=layer_idx)
        self.ln_2 = LayerNorm(hidden, eps)
        if config.add_cross_attention:
            self.crossattention = self.attention_class(config, True, layer_idx)
            self.ln_cross_attn = LayerNorm(hidden, eps)
        self.mlp = self.mlp_class(config.n_inner or 4 * hidden, config)

    def forward(
        self, hidden_states, past_key_values, mask, head_mask, encoder_hidden_states, encoder_mask
    ):
        mixed, weights = self.attn(self.ln_1(hidden_states), past_key_values, mask, head_mask)
        hidden_states, cross_weights = hidden_states + mixed, None
        if encoder_hidden_states is not None:
            normed = self.ln_cross_attn(hidden_states)
            mixed, cross_weights = self.crossattention(
                normed, past_key_values, encoder_mask, head_mask, encoder_hidden_states
            )
            hidden_states = hidden_states + mixed
        hidden_states = self.record("residual_mid", hidden_states)
        return hidden_states + self.mlp(self.ln_2(hidden_states)), weights, cross_weights


class GPT2PreTrainedModel(PreTrainedModel):
    """What GPT2Model and GPT2LMHeadModel share."""

    config_class = GPT2Config
    base_model_prefix = "transformer"
    input_embeddings = "wte"
    drawn_again = ("c_proj",)
    keys_to_ignore_on_load_unexpected = (r"\.(attn|crossattention)\.(masked_)?bias$",)

    def initial_std(self, name):
        """Matrices that add to the residual stream start smaller, the more of them there are."""
        many = 2 * self.config.n_layer if name.endswith("c_proj.weight") else 1
        return self.config.initializer_range * many**-0.5


class GPT2Model(GPT2PreTrainedModel):
    """Ids to hidden states: embeddings, blocks, norm."""

    layer_class = GPT2Block

    def __init__(self, config):
        super().__init__(config)
        self.wte = Embedding(config.vocab_size, config.n_embd)
        self.wpe = Embedding(config.n_positions, config.n_embd, ids="position_ids")
        self.drop = Dropout(config.embd_pdrop)
        self.h = ModuleList(self.layer_class(config, index) for index in range(config.n_layer))
        self.ln_f = LayerNorm(config.n_embd, config.layer_norm_epsilon)

    def forward(
        self,
        input_ids=None,
        past_key_values=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        head_mask=None,
        inputs_embeds=None,
        encoder_hidden_states=None,
        encoder_attention_mask=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass over the new tokens.

        Args:
            input_ids: (batch, seq), or ``inputs_embeds``: (batch, seq, hidden).
            past_key_values: a cache, or a tuple of (keys, values) for each layer; with
                ``use_cache`` a new one is made if None.
            attention_mask: (batch, total), 1 for tokens and 0 for padding.
            token_type_ids: (batch, seq); their vectors come from the token table, too.
            position_ids: (batch, seq); None counts on from the cache, padding included.
            head_mask: (heads,) or (layers, heads), 1 keeps a head and 0 mutes it.
            encoder_hidden_states: (batch, source, hidden), if ``config.add_cross_attention``.
            encoder_attention_mask: (batch, source), as ``attention_mask``.
            output_attentions, output_hidden_states: return those of every layer, too.
            return_dict: False gives a plain tuple.

        Returns:
            ``BaseModelOutputWithPastAndCrossAttentions``.
        """
        output_attentions = self.choose(output_attentions, "output_attentions")
        output_hidden_states = self.choose(output_hidden_states, "output_hidden_states")
        if encoder_hidden_states is not None and not self.config.add_cross_attention:
            fix = "Such a model is made with add_cross_attention=True in its config."
            problem = "this model has no weights to look at an encoder with"
            raise ArgumentError(problem, where="encoder_hidden_states", fix=fix)
        inputs_embeds = self.embed(input_ids, inputs_embeds)
        past_key_values = self.start_cache(past_key_values, use_cache)
        position_ids = self.default_positions(position_ids, inputs_embeds, past_key_values)
        mask = self.causal_mask(attention_mask, inputs_embeds, past_key_values)
        encoder_mask = self.encoder_mask(encoder_attention_mask, encoder_hidden_states)
        head_masks = self.get_head_mask(head_mask, inputs_embeds)
        hidden_states = inputs_embeds + self.wpe(position_ids)
        if token_type_ids is not None:
            hidden_states = hidden_states + self.wte(token_type_ids)
        hidden_states = self.drop(hidden_states)

        all_hidden_states, all_attentions, all_cross_attentions = (), (), ()
        for block, head_mask in zip(self.h, head_masks, strict=True):
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights, cross_weights = block(
                hidden_states, past_key_values, mask, head_mask, encoder_hidden_states, encoder_mask
            )
            if output_attentions:
                all_attentions += (weights,)
                all_cross_attentions += () if cross_weights is None else (cross_weights,)
        hidden_states = self.ln_f(hidden_states)
        if output_hidden_states:
            all_hidden_states += (hidden_states,)

        output = BaseModelOutputWithPastAndCrossAttentions(
            last_hidden_state=hidden_states,
            past_key_values=past_key_values,
            hidden_states=all_hidden_states or None,
            attentions=all_attentions or None,
            cross_attentions=all_cross_attentions or None,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def start_cache(self, past_key_values, use_cache):
        """Looking at an encoder needs a second cache, for the encoder's keys and values."""
        cache = super().start_cache(past_key_values, use_cache)
        wanted = self.config.add_cross_attention and cache is not None
        return EncoderDecoderCache(cache) if wanted and isinstance(cache, DynamicCache) else cache


class GPT2LMHeadModel(GPT2PreTrainedModel):
    """Ids to logits: GPT2Model and a head that is the token table once more."""

    tied_weights_keys = {"lm_head.weight": "transformer.wte.weight"}
    model_class = GPT2Model

    def __init__(self, config):
        super().__init__(config)
        self.transformer = self.model_class(config)
        self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)
        self.tie_weights()

    def forward(
        self,
        input_ids=None,
        past_key_values=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        head_mask=None,
        inputs_embeds=None,
        encoder_hidden_states=None,
        encoder_attention_mask=None,
        labels=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
        logits_to_keep=0,
    ):
        """As ``GPT2Model.forward``, and: labels (batch, seq), the ids themselves, of which -100 is
        not counted in the loss; logits_to_keep, to compute only the last n logits (0 means all).
        """
        outputs = self.transformer(
            input_ids=input_ids,
            past_key_values=past_key_values,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            head_mask=head_mask,
            inputs_embeds=inputs_embeds,
            encoder_hidden_states=encoder_hidden_states,
            encoder_attention_mask=encoder_attention_mask,
            use_cache=use_cache,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.lm_head(outputs.last_hidden_state[:, -logits_to_keep:])
        output = CausalLMOutputWithCrossAttentions(
            loss=None if labels is None else causal_lm_loss(logits, labels),
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            cross_attentions=outputs.cross_attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()
