"""Floor 2 · GLM: a prompt is read in both directions, its answer is written from left to right.

Mirrors get_masks, get_position_ids and attention_fn of modeling_chatglm.py (Du et al., 2022). The
answer belongs where the prompt has its mask token, so a token has two positions: where in the
prompt, and how far into the answer. With the prompt "A B [gMASK]" and the answer "<sop> X Y":

                     A  B  [gMASK]  <sop>  X  Y        A B M s X Y
    position         0  1     2       2    2  2    A   . . . # # #     . is seen
    block position   0  0     0       1    2  3    M   . . . # # #     # is hidden
                                                   s   . . . . # #
    context_lengths = 3, mask_positions = 2        X   . . . . . #
"""

from tinyhf.autograd import concatenate, differentiable
from tinyhf.backend import array_module, float32
from tinyhf.errors import ArgumentError
from tinyhf.functional.rotary import apply_rotary_pos_emb
from tinyhf.functional.softmax import softmax

#: The score of a hidden token, a number that float16 still holds.
HIDDEN_SCORE = -10000.0


def first_places(found, name):
    """Where each row of ``found``, bool (batch, seq), is first True: (batch,).

    Raises:
        ArgumentError: a row has no such place; ``name`` is the token that was looked for.
    """
    if not found.any(axis=1).all():
        fix = "ChatGLM's tokenizer adds it: every prompt ends in [gMASK] <sop>"
        raise ArgumentError(f"a row has no {name}", where="input_ids", fix=fix)
    return found.argmax(axis=1)


def glm_mask(context_lengths, seq):
    """Which tokens are hidden from which: True hides, as in ChatGLM's own code.

    Args:
        context_lengths: (batch,), the number of tokens before the answer's <sop>.
        seq: tokens in a row.

    Returns:
        (batch, 1, seq, seq).
    """
    steps = array_module(context_lengths).arange(seq)
    later = steps[None, :] > steps[:, None]  # (seq, seq)
    in_answer = steps >= context_lengths[:, None]  # (batch, seq)
    return later[None, None] & in_answer[:, None, None]


def glm_positions(context_lengths, mask_positions, seq):
    """Position and block position of every token.

    Args:
        context_lengths, seq: as for ``glm_mask``.
        mask_positions: (batch,), where the mask token stands.

    Returns:
        (batch, 2, seq).
    """
    xp = array_module(context_lengths)
    steps, starts = xp.arange(seq)[None], context_lengths[:, None]
    positions = xp.where(steps < starts, steps, mask_positions[:, None])  # (batch, seq)
    return xp.stack((positions, (steps - starts + 1).clip(0)), axis=1)


def apply_rotary_pos_emb_2d(q, k, tables, block_tables):
    """The first half of each head is turned by the position, the second by the block position.

    Args:
        q, k: (batch, heads, seq, head_dim).
        tables, block_tables: (cos, sin), each (batch, seq, head_dim / 2).
    """
    half = q.shape[-1] // 2
    q_first, k_first = apply_rotary_pos_emb(q[..., :half], k[..., :half], *tables)
    q_second, k_second = apply_rotary_pos_emb(q[..., half:], k[..., half:], *block_tables)
    return concatenate(q_first, q_second, -1), concatenate(k_first, k_second, -1)


@differentiable
def hide(scores, hidden):
    """The scores, where ``hidden`` is True a low one."""
    return array_module(scores).where(hidden, scores.dtype.type(HIDDEN_SCORE), scores)


@hide.wrt("scores")
def hide_grad_scores(grad, out, scores, hidden):
    return grad * ~hidden


def glm_attention_weights(scores, hidden, scaling):
    """Softmax of scores that were made small for float16's sake, and are scaled back here.

    Args:
        scores: (batch, heads, seq, total).
        hidden: bool, (batch, 1, seq, total), or None if nothing is. A row that is hidden as a
            whole (padding) looks at all tokens alike.
        scaling: the factor to scale back by.
    """
    if hidden is not None:
        scores = hide(scores, hidden)
    wide = scores.astype(max(float32, scores.dtype), copy=False)
    return softmax(wide * scaling).astype(scores.dtype, copy=False)
