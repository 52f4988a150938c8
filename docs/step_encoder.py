"""An encoder fills a gap, to be stepped through: it stops at ``breakpoint()``, with all loaded."""

from tinyhf import AutoModelForMaskedLM, AutoTokenizer, pipeline

model = AutoModelForMaskedLM.from_pretrained("tinyhf/little-tales-gaps")
tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales-gaps")

breakpoint()
pipe = pipeline("fill-mask", model=model, tokenizer=tokenizer)
print([record["token_str"] for record in pipe("Once upon a [MASK] there was a little fox.")])
