"""An encoder–decoder translates, to be stepped through: it stops at ``breakpoint()`` by itself."""

from tinyhf import AutoModelForSeq2SeqLM, AutoTokenizer, pipeline

model = AutoModelForSeq2SeqLM.from_pretrained("tinyhf/little-tales-french")
tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales-french")

breakpoint()
pipe = pipeline("translation_en_to_fr", model=model, tokenizer=tokenizer, num_beams=1)
print(pipe("The dog found a red ball.")[0]["translation_text"])
