"""Loading, to be stepped through: run it in a debugger, it stops at ``breakpoint()`` by itself."""

from tinyhf import AutoModelForCausalLM, AutoTokenizer

breakpoint()
model = AutoModelForCausalLM.from_pretrained("tinyhf/little-tales")
tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
