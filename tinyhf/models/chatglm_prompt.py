"""Floor 5 · What ChatGLM reads from the ids of a prompt: who sees whom, and where each token is.

Mirrors get_masks and get_position_ids of modeling_chatglm.py (THUDM/chatglm-6b). The formulas, with
a picture, are in functional/glm.py; here the special tokens are looked up.
"""

from tinyhf.errors import ArgumentError
from tinyhf.functional import count_positions, first_places, glm_mask, glm_positions


def get_masks(config, input_ids):
    """The mask of whole texts: (batch, 1, seq, seq), True hides.

    Raises:
        ArgumentError: there are no ids, or a row has no <sop>.
    """
    check_text(input_ids, "attention_mask")
    return glm_mask(context_lengths(config, input_ids), input_ids.shape[1])


def get_position_ids(config, input_ids):
    """The positions of whole texts: (batch, 2, seq), or without 2D positions (batch, seq).

    The answer's tokens are where [gMASK] is, or in a row without it, where [MASK] is. With one
    position a token, those of an answer to [gMASK] count on instead.

    Raises:
        ArgumentError: there are no ids, or a row lacks a special token.
    """
    check_text(input_ids, "position_ids")
    is_gmask = input_ids == config.gmask_token_id
    has_gmask = is_gmask.any(axis=1)[:, None]  # (batch, 1)
    is_mask = (input_ids == config.mask_token_id) & ~has_gmask
    mask_positions = first_places(is_gmask | is_mask, "[gMASK] or [MASK]")
    contexts = context_lengths(config, input_ids)
    positions = glm_positions(contexts, mask_positions, input_ids.shape[1])
    if config.position_encoding_2d:
        return positions
    return has_gmask * count_positions(input_ids) + ~has_gmask * positions[:, 0]


def context_lengths(config, input_ids):
    """How many tokens stand before each answer: (batch,)."""
    return first_places(input_ids == config.bos_token_id, "<sop>")


def check_text(input_ids, where):
    """Only the ids of a whole text tell its mask and its positions."""
    if input_ids is None:
        problem = "must be given beside inputs_embeds or a cache: only a whole text tells it"
        raise ArgumentError(problem, where=where)


def check_positions(config, position_ids, batch, seq):
    """Positions have the form that the config asks for, for each row or for all."""
    wanted = (2, seq) if config.position_encoding_2d else (seq,)
    if tuple(position_ids.shape) not in ((batch, *wanted), (1, *wanted)):
        raise ArgumentError(
            "have another shape than the tokens",
            where="position_ids",
            wanted=(batch, *wanted),
            got=tuple(position_ids.shape),
        )


def check_mask(attention_mask, batch, seq, total):
    """A mask, if there is one, has ChatGLM's form: bool, (1 or batch, 1, seq, total)."""
    if attention_mask is None:
        return
    shape, dtype = tuple(attention_mask.shape), attention_mask.dtype
    if dtype.name != "bool" or shape not in ((batch, 1, seq, total), (1, 1, seq, total)):
        raise ArgumentError(
            "is not a mask in ChatGLM's form",
            where="attention_mask",
            wanted=f"bool (batch, 1, seq, total) = {(batch, 1, seq, total)}, True hides",
            got=f"{dtype} {shape}",
            fix="Its tokenizer makes one with padding=True; without padding none is needed",
        )
