"""Floor 2 · Attention: every token looks at the tokens before it and takes a mix of their values.

Mirrors eager_attention_forward and masking_utils.py of transformers, and
torch.nn.functional.scaled_dot_product_attention.

    batch, heads, seq: as many queries as new tokens
    kv_heads: key and value heads; heads / kv_heads query heads share one
    total: tokens a query may look at = tokens in the cache + new tokens
"""

import math

from tinyhf.backend import array_module, float32
from tinyhf.functional.softmax import softmax


def causal_mask(attention_mask, seq, total, dtype, xp, window=None):
    """What is added to the scores so that no token looks at a later one or at padding.

    For 3 new tokens after 2 cached ones, the first being padding (. is 0, # hides):

                    cached  new
                    # .     . # #      1st new token
                    # .     . . #      2nd
                    # .     . . .      3rd

    Args:
        attention_mask: (batch, total), 1 for tokens and 0 for padding, or None.
        seq, total: see the head of this file.
        dtype: of the scores; the most negative number of this type hides.
        xp: the array library.
        window: how many tokens back a token may look, itself included (Mistral); None for all.

    Returns:
        (1 or batch, 1, seq, total), or None if nothing is hidden.
    """
    if seq == 1 and total <= (window or total) and (attention_mask is None or attention_mask.all()):
        return None
    visible = xp.tri(seq, total, total - seq, dtype=bool)[None, None]  # (1, 1, seq, total)
    if window is not None and total > window:
        visible = visible & ~xp.tri(seq, total, total - seq - window, dtype=bool)
    if attention_mask is not None:
        visible = visible & attention_mask[:, None, None, :].astype(bool)
    return xp.where(visible, dtype.type(0), xp.finfo(dtype).min)


def padding_mask(attention_mask, dtype, xp):
    """What hides padding where every token may look both ways: (batch, 1, 1, total), or None.

    Args:
        attention_mask: (batch, total), 1 for tokens and 0 for padding, or None.
        dtype, xp: as for ``causal_mask``.
    """
    if attention_mask is None or attention_mask.all():
        return None
    visible = attention_mask[:, None, None, :].astype(bool)
    return xp.where(visible, dtype.type(0), xp.finfo(dtype).min)


def split_heads(x, head_dim):
    """Each token's vector cut into heads: (batch, seq, hidden) → (batch, heads, seq, head_dim)."""
    return x.reshape(*x.shape[:2], -1, head_dim).swapaxes(1, 2)


def merge_heads(x):
    """The way back: (batch, heads, seq, head_dim) → (batch, seq, hidden)."""
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


def attention_scores(query, key, scaling):
    """How well each query fits each key: query · key · scaling.

    Query heads that share a key head are stacked into one matrix, so keys are never repeated:

        query (batch, heads,    seq,         head_dim)
           →  (batch, kv_heads, group · seq, head_dim)   @   key (batch, kv_heads, total, head_dim)ᵀ

    Returns:
        (batch, heads, seq, total).
    """
    stacked = query.reshape(query.shape[0], key.shape[1], -1, query.shape[3])
    return (stacked @ key.swapaxes(-1, -2)).reshape(*query.shape[:3], -1) * scaling


def mix_values(weights, value):
    """Weighted means of ``value``: (batch, heads, seq, total) → (batch, heads, seq, head_dim)."""
    stacked = weights.reshape(weights.shape[0], value.shape[1], -1, weights.shape[3])
    return (stacked @ value).reshape(*weights.shape[:3], -1)


def attention_weights(scores, mask=None):
    """Softmax of the scores that ``mask`` leaves visible, in float32 as transformers does."""
    fit = (scores if mask is None else scores + mask).astype(max(float32, scores.dtype), copy=False)
    return softmax(fit).astype(scores.dtype, copy=False)


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None
):
    """The three steps in one, with torch's arguments.

    Args:
        query: (batch, heads, seq, head_dim).
        key, value: (batch, kv_heads, total, head_dim).
        attn_mask: boolean (True is visible) or added to the scores.
        dropout_p: taken for torch's sake; nothing is dropped outside of training.
        is_causal: hide later tokens.
        scale: 1 / sqrt(head_dim) if None.

    Returns:
        (batch, heads, seq, head_dim).
    """
    xp = array_module(query)
    scores = attention_scores(
        query, key, 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    )
    if is_causal:
        attn_mask = causal_mask(None, *scores.shape[-2:], scores.dtype, xp)
    elif attn_mask is not None and attn_mask.dtype == bool:
        attn_mask = xp.where(attn_mask, scores.dtype.type(0), xp.finfo(scores.dtype).min)
    return mix_values(attention_weights(scores, attn_mask), value)
