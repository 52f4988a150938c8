"""Floor 2 · Positions: which row of the position table a token gets.

Mirrors create_position_ids_from_input_ids of transformers/models/roberta/modeling_roberta.py.
"""

from tinyhf.backend import array_module


def count_positions(tokens, start=0):
    """start, start + 1, …: (1, seq), for ``tokens`` of shape (batch, seq) or (batch, seq, hidden).

    They are made where ``tokens`` are, whose values do not matter.
    """
    return array_module(tokens).arange(start, start + tokens.shape[1])[None]


def count_positions_of_tokens(input_ids, padding_idx):
    """Positions as fairseq counts them: from ``padding_idx`` + 1 on, and padding stays behind.

        input_ids   0 31 7 2 1 1   (padding_idx = 1)
        positions   2  3 4 5 1 1

    Returns:
        (batch, seq).
    """
    is_token = (input_ids != padding_idx).astype(input_ids.dtype)
    return is_token.cumsum(axis=1) * is_token + padding_idx
