"""Floor 4 · What makes a model answer badly without any error, said once each.

Mirrors the warnings of transformers/tokenization_utils_base.py; the doubled BOS is our own.
"""

from tinyhf.errors import note_once


def note_surprises(tokenizer, encodings, lengths):
    """Log what the user of ``tokenizer`` may not have meant.

    Args:
        encodings: one ``tokenizers.Encoding`` a row, as cut and padded.
        lengths: the ``Lengths`` of the call.
    """
    if lengths.padding == "longest" and lengths.max_length is not None and not lengths.truncates:
        note_once("max_length has no effect with padding=True unless truncation=True is set too")
    limit = tokenizer.model_max_length
    if lengths.max_length is None and any(len(row) > limit for row in encodings):
        note_once(f"a text is longer than the {limit} tokens the model reads (model_max_length)")
    bos = tokenizer.bos_token_id
    if bos is not None and any(_starts_twice(row, bos) for row in encodings):
        note_once(
            f"a text starts with {tokenizer.bos_token} twice: it is written in the text and added "
            "again. Pass add_special_tokens=False for text made by a chat template"
        )


def _starts_twice(row, bos):
    start = row.attention_mask.index(1) if 1 in row.attention_mask else 0
    return row.ids[start : start + 2] == [bos, bos]
