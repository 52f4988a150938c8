"""Floor 5 · BERT: an encoder, in which every token looks at the whole text, both ways.

Mirrors transformers/models/bert/modeling_bert.py (Devlin et al., 2018). Read it from top to
bottom; the last class is the encoder, whose heads are in ``bert_heads.py``:

    input_ids ───── word_embeddings ─┐
    token_type_ids ─ token_type_… ───┼─ LayerNorm ─ layer × num_hidden_layers ─┬─ last_hidden_state
    position_ids ─── position_… ─────┘    LayerNorm(x + attention(x))          └─ pooler
                                          LayerNorm(x + feed forward(x))

Shapes: batch, seq, hidden = hidden_size = heads × head_dim.
"""

from tinyhf.configuration import PreTrainedConfig
from tinyhf.functional import (
    attention_scores,
    attention_weights,
    count_positions,
    merge_heads,
    mix_values,
    split_heads,
)
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    ACT2FN,
    BaseModelOutput,
    BaseModelOutputWithPoolingAndCrossAttentions,
    Dropout,
    Embedding,
    LayerNorm,
    Linear,
    Module,
    ModuleList,
    Tanh,
)


class BertConfig(PreTrainedConfig):
    """The sizes of a BERT; without arguments those of bert-base-uncased."""

    model_type = "bert"

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    classifier_dropout: float | None = None
    is_decoder: bool = False
    add_cross_attention: bool = False

    def validate(self):
        sizes = ("vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings")
        self.require_positive(*sizes, "num_hidden_layers", "num_attention_heads", "type_vocab_size")
        self.require_divides("num_attention_heads", "hidden_size")
        self.require_known("hidden_act", ACT2FN)


class BertEmbeddings(Module):
    """What a token is, where it stands, and whether it is of the first or the second sentence."""

    def __init__(self, config):
        hidden, positions = config.hidden_size, config.max_position_embeddings
        self.word_embeddings = Embedding(config.vocab_size, hidden, config.pad_token_id)
        self.position_embeddings = Embedding(positions, hidden, ids="position_ids")
        self.token_type_embeddings = Embedding(config.type_vocab_size, hidden, ids="token_type_ids")
        self.LayerNorm = LayerNorm(hidden, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids=None, token_type_ids=None, position_ids=None, inputs_embeds=None):
        if position_ids is None:
            position_ids = self.default_positions(input_ids, inputs_embeds)  # (1 or batch, seq)
        if token_type_ids is None:
            token_type_ids = position_ids * 0
        if inputs_embeds is None:
            inputs_embeds = self.word_embeddings(input_ids)  # (batch, seq, hidden)
        embeddings = inputs_embeds + self.token_type_embeddings(token_type_ids)
        embeddings = embeddings + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))

    def default_positions(self, input_ids, inputs_embeds):
        """0, 1, 2 …"""
        return count_positions(inputs_embeds if input_ids is None else input_ids)


class BertSelfAttention(Module):
    """Each token takes a mix of all tokens' values: the only place where information moves."""

    def __init__(self, config):
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.query = Linear(config.hidden_size, config.hidden_size)
        self.key = Linear(config.hidden_size, config.hidden_size)
        self.value = Linear(config.hidden_size, config.hidden_size)
        self.dropout = Dropout(config.attention_probs_dropout_prob)

    def forward(self, hidden_states, attention_mask):
        query = self.record("q", split_heads(self.query(hidden_states), self.head_dim))
        key = self.record("k", split_heads(self.key(hidden_states), self.head_dim))
        value = self.record("v", split_heads(self.value(hidden_states), self.head_dim))
        scores = self.record("scores", attention_scores(query, key, self.head_dim**-0.5))
        weights = self.record("pattern", self.dropout(attention_weights(scores, attention_mask)))
        mixed = self.record("z", mix_values(weights, value))  # (batch, heads, seq, head_dim)
        return merge_heads(mixed), weights


class ResidualOutput(Module):
    """The end of both blocks: a linear map; what went into the block is added; norm."""

    def __init__(self, in_features, config):
        self.dense = Linear(in_features, config.hidden_size)
        self.LayerNorm = LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states, input_tensor):
        return self.LayerNorm(self.dropout(self.dense(hidden_states)) + input_tensor)


class BertSelfOutput(ResidualOutput):
    """The end of the attention block."""


class BertAttention(Module):
    """The attention block."""

    self_class, output_class = BertSelfAttention, BertSelfOutput

    def __init__(self, config):
        self.self = self.self_class(config)
        self.output = self.output_class(config.hidden_size, config)

    def forward(self, hidden_states, attention_mask):
        mixed, weights = self.self(hidden_states, attention_mask)
        return self.output(mixed, hidden_states), weights


class BertIntermediate(Module):
    """The start of the feed-forward block, each token on its own: hidden → intermediate."""

    def __init__(self, config):
        self.dense = Linear(config.hidden_size, config.intermediate_size)
        self.intermediate_act_fn = ACT2FN[config.hidden_act]()

    def forward(self, hidden_states):
        return self.intermediate_act_fn(self.dense(hidden_states))


class BertOutput(ResidualOutput):
    """The end of the feed-forward block: intermediate → hidden."""


class BertLayer(Module):
    """Attention block, then feed-forward block."""

    attention_class = BertAttention
    intermediate_class, output_class = BertIntermediate, BertOutput

    def __init__(self, config):
        self.attention = self.attention_class(config)
        self.intermediate = self.intermediate_class(config)
        self.output = self.output_class(config.intermediate_size, config)

    def forward(self, hidden_states, attention_mask):
        hidden_states, weights = self.attention(hidden_states, attention_mask)
        return self.output(self.intermediate(hidden_states), hidden_states), weights


class BertEncoder(Module):
    """All layers, one after the other."""

    layer_class = BertLayer

    def __init__(self, config):
        self.layer = ModuleList(self.layer_class(config) for _ in range(config.num_hidden_layers))

    def forward(
        self, hidden_states, attention_mask, output_attentions=False, output_hidden_states=False
    ):
        all_hidden_states, all_attentions = (), ()
        for layer in self.layer:
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights = layer(hidden_states, attention_mask)
            if output_attentions:
                all_attentions += (weights,)
        if output_hidden_states:
            all_hidden_states += (hidden_states,)
        return BaseModelOutput(
            last_hidden_state=hidden_states,
            hidden_states=all_hidden_states or None,
            attentions=all_attentions or None,
        )


class BertPooler(Module):
    """The first token, [CLS], through one more layer: a vector for the whole text."""

    def __init__(self, config):
        self.dense = Linear(config.hidden_size, config.hidden_size)
        self.activation = Tanh()

    def forward(self, hidden_states):
        return self.activation(self.dense(hidden_states[:, 0]))  # (batch, hidden)


class BertPreTrainedModel(PreTrainedModel):
    """What all BERTs share."""

    config_class = BertConfig
    base_model_prefix = "bert"
    input_embeddings = "embeddings.word_embeddings"
    keys_to_ignore_on_load_unexpected = (r"(^|\.)position_ids$",)


class BertModel(BertPreTrainedModel):
    """Ids to a vector for each token, and one for the text."""

    embeddings_class, encoder_class, pooler_class = BertEmbeddings, BertEncoder, BertPooler

    def __init__(self, config, add_pooling_layer=True):
        super().__init__(config)
        if config.is_decoder:
            problem = f"{type(self).__name__} runs as an encoder only"
            raise config.error("is_decoder", problem, wanted=False, got=True)
        self.embeddings = self.embeddings_class(config)
        self.encoder = self.encoder_class(config)
        self.pooler = self.pooler_class(config) if add_pooling_layer else None

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass over the text.

        Args:
            input_ids: (batch, seq), or ``inputs_embeds``: (batch, seq, hidden).
            attention_mask: (batch, seq), 1 for tokens and 0 for padding.
            token_type_ids: (batch, seq), 0 for the first sentence and 1 for the second.
            position_ids: (batch, seq).
            output_attentions, output_hidden_states: return those of every layer, too.
            return_dict: False gives a plain tuple.

        Returns:
            ``BaseModelOutputWithPoolingAndCrossAttentions``.
        """
        self.check_inputs(input_ids, inputs_embeds)
        hidden_states = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
        outputs = self.encoder(
            hidden_states,
            self.encoder_mask(attention_mask, hidden_states, "attention_mask"),
            self.choose(output_attentions, "output_attentions"),
            self.choose(output_hidden_states, "output_hidden_states"),
        )
        last_hidden_state = outputs.last_hidden_state
        output = BaseModelOutputWithPoolingAndCrossAttentions(
            last_hidden_state=last_hidden_state,
            pooler_output=None if self.pooler is None else self.pooler(last_hidden_state),
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()
