"""Floor 5 · Some layers see everything before them, others only a window: Qwen2 and Qwen3.

Mirrors what ``layer_types`` means in transformers/models/qwen2.
"""


class WindowedConfigMixin:
    """``layer_types`` names each layer's kind; the last layers may have the window."""

    use_sliding_window: bool = False
    sliding_window: int | None = 4096
    max_window_layers: int = 28
    layer_types: list | None = None

    def validate(self):
        super().validate()
        self.sliding_window = self.sliding_window if self.use_sliding_window else None
        if self.layer_types is None:
            full = self.max_window_layers if self.sliding_window else self.num_hidden_layers
            kinds = ["full_attention"] * full + ["sliding_attention"] * self.num_hidden_layers
            self.layer_types = kinds[: self.num_hidden_layers]
        known = {"full_attention", "sliding_attention"}
        if len(self.layer_types) < self.num_hidden_layers or set(self.layer_types) - known:
            wanted = f"{self.num_hidden_layers} of {' or '.join(sorted(known))}"
            problem = "does not fit the layers"
            raise self.error("layer_types", problem, wanted=wanted, got=self.layer_types)


class WindowedModelMixin:
    """Chooses each layer's mask by its kind."""

    def layer_masks(self, attention_mask, hidden_states, past_key_values):
        windows = {"full_attention": None, "sliding_attention": self.config.sliding_window}
        kinds = self.config.layer_types[: len(self.layers)]
        masks = {
            kind: self.causal_mask(attention_mask, hidden_states, past_key_values, windows[kind])
            for kind in dict.fromkeys(kinds)
        }
        return [masks[kind] for kind in kinds]
