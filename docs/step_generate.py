"""Generating, to be stepped through: it stops at ``breakpoint()`` by itself, with all loaded."""

from tinyhf import AutoModelForCausalLM, AutoTokenizer, pipeline

model = AutoModelForCausalLM.from_pretrained("tinyhf/little-tales")
tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
settings = {"max_new_tokens": 7, "do_sample": True, "temperature": 0.7, "top_p": 0.95, "top_k": 40}

breakpoint()
pipe = pipeline("text-generation", model=model, tokenizer=tokenizer, seed=21, **settings)
print(pipe("Once upon a time", repetition_penalty=1.1)[0]["generated_text"])
