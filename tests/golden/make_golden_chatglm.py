"""Fills the folder chatglm from ../shared/reference: python -m tests.golden.make_golden_chatglm

transformers has no ChatGLM; what is copied here was computed by the model's own code (see the
README there), with files that were made for this project.
"""

import json
import lzma
import shutil

import numpy

from tests.tiny_chatglms import GOLDEN, REFERENCE, TOKENIZER_CASES

SMALL = REFERENCE / "small_tokenizer"
POSITIONS = ("gmask", "gmask_with_suffix", "mask_in_middle_suffix", "pos1d_mask_in_middle")


def positions():
    """The ids, positions and masks of some prompts."""
    arrays = {}
    for name in POSITIONS:
        case = numpy.load(REFERENCE / "cases" / f"{name}.npz")
        kept = ("input_ids", "position_ids", "attention_mask_bool_true_is_masked")
        arrays |= {f"{name}.{key}": case[key] for key in kept if key in case}
    return arrays


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in ("config.json", "pytorch_model.bin"):
        shutil.copyfile(SMALL / "model_int4_emb_bin" / name, GOLDEN / name)
    logits = numpy.load(SMALL / "quant_int4_emb_gmask.npz")["logits"]
    numpy.savez_compressed(GOLDEN / "expected.npz", logits=logits, **positions())
    chat = SMALL / "tiny_chat"
    shutil.copyfile(chat / "tokenizer_config.json", GOLDEN / "tokenizer_config.json")
    pieces = (chat / "ice_text.model").read_bytes()
    (GOLDEN / "ice_text.model.xz").write_bytes(lzma.compress(pieces, preset=9))
    cases = json.loads((chat / "golden_tiny_chat.json").read_text(encoding="utf-8"))
    text = json.dumps({key: cases[key] for key in TOKENIZER_CASES}, ensure_ascii=False)
    (GOLDEN / "tokenizer_cases.json").write_text(text + "\n", encoding="utf-8")
