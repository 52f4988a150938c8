"""Floor 3 · The KV cache: keys and values of tokens already seen, so that each is computed once.

Mirrors DynamicCache of transformers/cache_utils.py, and can also be indexed as the older tuples
were: ``cache[layer]`` is ``(keys, values)``.
"""

from tinyhf.autograd import Tensor, concatenate
from tinyhf.backend import array_module

FIRST_CAPACITY = 64  # tokens


class DynamicLayer:
    """The cache of one layer: ``keys`` and ``values``, (batch, kv_heads, tokens, head_dim) each.

    Room is made in advance and doubled when it runs out: adding a token copies one token, not all.
    """

    def __init__(self):
        self.length = 0
        self._keys = self._values = None

    @property
    def keys(self):
        return None if self._keys is None else self._keys[:, :, : self.length]

    @property
    def values(self):
        return None if self._values is None else self._values[:, :, : self.length]

    def update(self, key_states, value_states):
        """Append (batch, kv_heads, new, head_dim) and return all keys and values so far."""
        start, self.length = self.length, self.length + key_states.shape[2]
        if self._keys is None or self.length > self._keys.shape[2]:
            self._keys = self._with_more_room(self._keys, key_states, start)
            self._values = self._with_more_room(self._values, value_states, start)
        self._keys[:, :, start : self.length] = key_states
        self._values[:, :, start : self.length] = value_states
        return self.keys, self.values

    def crop(self, max_length):
        """As ``DynamicCache.crop``; what is forgotten is written over by the next update."""
        kept = max_length if max_length > 0 else max(0, self.length + max_length)
        self.length = min(self.length, kept)

    def reorder_cache(self, beam_idx):
        """Row i becomes what row ``beam_idx[i]`` was; rows that stay are not touched."""
        moved = [row for row, source in enumerate(beam_idx) if row != source]
        sources = [beam_idx[row] for row in moved]
        for states in (self._keys, self._values):
            states[moved, :, : self.length] = states[sources, :, : self.length]

    def _with_more_room(self, old, new, used):
        room = max(2 * used, self.length, FIRST_CAPACITY)
        grown = array_module(new).empty((*new.shape[:2], room, new.shape[3]), new.dtype)
        if used:
            grown[:, :, :used] = old[:, :, :used]
        return grown


class GrowingLayer(DynamicLayer):
    """The same for Tensors. They are never written over: each update makes new, longer ones."""

    def update(self, key_states, value_states):
        if self.length:
            key_states = concatenate(self.keys, key_states, 2)
            value_states = concatenate(self.values, value_states, 2)
        self._keys, self._values, self.length = key_states, value_states, key_states.shape[2]
        return key_states, value_states


class DynamicCache:
    """One ``DynamicLayer`` a layer of the model; grows with the text."""

    def __init__(self):
        self.layers = []

    def update(self, key_states, value_states, layer_idx):
        """Append to layer ``layer_idx``; returns all its keys and values."""
        while len(self.layers) <= layer_idx:
            has_tape = Tensor in (type(key_states), type(value_states))
            self.layers.append(GrowingLayer() if has_tape else DynamicLayer())
        return self.layers[layer_idx].update(key_states, value_states)

    def get_seq_length(self, layer_idx=0):
        """How many tokens are cached."""
        return self.layers[layer_idx].length if layer_idx < len(self.layers) else 0

    def crop(self, max_length):
        """Keep the first ``max_length`` tokens; 0 or less: forget so many of the last ones."""
        for layer in self.layers:
            layer.crop(max_length)

    def reorder_cache(self, beam_idx):
        """Row i becomes what row ``beam_idx[i]`` was: beam i continues that beam's text."""
        for layer in self.layers:
            layer.reorder_cache(beam_idx)

    @classmethod
    def from_legacy_cache(cls, past_key_values):
        """A cache from the older form, a tuple of (keys, values) for each layer."""
        cache = cls()
        for layer_idx, (keys, values) in enumerate(past_key_values):
            cache.update(keys, values, layer_idx)
        return cache

    def __getitem__(self, layer_idx):
        return self.layers[layer_idx].keys, self.layers[layer_idx].values

    def __iter__(self):
        return ((layer.keys, layer.values) for layer in self.layers)

    def __len__(self):
        return len(self.layers)

    def __repr__(self):
        return f"DynamicCache({len(self)} layers, {self.get_seq_length()} tokens)"


class EncoderDecoderCache:
    """Two caches: what the decoder has written, and what it looks up in the encoder's output.

    ``cache[layer]`` is (keys, values, cross keys, cross values), as in the older tuples.
    """

    def __init__(self, self_attention_cache=None, cross_attention_cache=None):
        first, second = self_attention_cache, cross_attention_cache  # an empty one is one, too
        self.self_attention_cache = DynamicCache() if first is None else first
        self.cross_attention_cache = DynamicCache() if second is None else second

    def update(self, key_states, value_states, layer_idx):
        """Append to what the decoder has written."""
        return self.self_attention_cache.update(key_states, value_states, layer_idx)

    def get_seq_length(self, layer_idx=0):
        """How many tokens the decoder has cached."""
        return self.self_attention_cache.get_seq_length(layer_idx)

    def crop(self, max_length):
        """As ``DynamicCache.crop``, of what the decoder has written."""
        self.self_attention_cache.crop(max_length)

    def reorder_cache(self, beam_idx):
        """Row i becomes what row ``beam_idx[i]`` was; the beams of a prompt read the same text."""
        self.self_attention_cache.reorder_cache(beam_idx)

    @classmethod
    def from_legacy_cache(cls, past_key_values):
        """A cache from the older form, a tuple of four arrays for each layer."""
        return cls(
            DynamicCache.from_legacy_cache([layer[:2] for layer in past_key_values]),
            DynamicCache.from_legacy_cache([layer[2:] for layer in past_key_values]),
        )

    def __getitem__(self, layer_idx):
        if not self.cross_attention_cache:  # nothing was looked up yet
            return self.self_attention_cache[layer_idx]
        return self.self_attention_cache[layer_idx] + self.cross_attention_cache[layer_idx]

    def __iter__(self):
        return (self[layer_idx] for layer_idx in range(len(self)))

    def __len__(self):
        return len(self.self_attention_cache)

    def __repr__(self):
        ours, theirs = self.self_attention_cache, self.cross_attention_cache
        return f"EncoderDecoderCache({ours!r}, encoder {theirs.get_seq_length()} tokens)"
