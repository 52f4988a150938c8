"""Floor 7 · text-generation: a prompt, or a chat, is continued.

Mirrors transformers/pipelines/text_generation.py.
"""

from tinyhf.errors import ArgumentError
from tinyhf.pipelines.base import Pipeline

#: How text becomes ids, and how ids become text; all other keywords are for ``generate``.
PREPROCESS = {"prefix", "continue_final_message", "tokenizer_encode_kwargs"}
PREPROCESS |= {"add_special_tokens", "padding", "truncation"}
POSTPROCESS = {"return_full_text", "return_tensors"}
POSTPROCESS |= {"skip_special_tokens", "clean_up_tokenization_spaces"}

#: Used where neither the user nor the checkpoint says otherwise.
DEFAULT_GENERATION = {"max_new_tokens": 256, "do_sample": True, "temperature": 0.7}


class TextGenerationPipeline(Pipeline):
    """``pipe("Once upon a time")`` → ``[{"generated_text": "Once upon a time, there was …"}]``.

    A list of prompts gives a list of such lists. A chat, a list of messages such as ``{"role":
    "user", "content": "Hello"}``, gives the chat with the answer appended.

    Args:
        return_full_text: False leaves the prompt out.
        return_tensors: True gives ``generated_token_ids`` in place of text.
        prefix: put before every prompt.
        stop_sequence: a text, or a list of them, that ends the answer.
        continue_final_message: go on with the chat's last message instead of answering it.
        skip_special_tokens, clean_up_tokenization_spaces: how ids become text.
        add_special_tokens, padding, truncation, tokenizer_encode_kwargs: how text becomes ids.
        kwargs: all that ``generate`` takes: max_new_tokens, temperature, seed, streamer …
    """

    default_input_names = "text_inputs"
    padding_side = "left"  # a row goes on where its prompt ends

    def _sanitize_parameters(self, **kwargs):
        preprocess_params = {name: kwargs.pop(name) for name in PREPROCESS & kwargs.keys()}
        postprocess_params = {name: kwargs.pop(name) for name in POSTPROCESS & kwargs.keys()}
        if postprocess_params.get("return_tensors") and "return_full_text" in postprocess_params:
            raise ArgumentError("return_full_text and return_tensors exclude each other")
        if "continue_final_message" in preprocess_params:
            continue_final_message = preprocess_params["continue_final_message"]
            postprocess_params["continue_final_message"] = continue_final_message
        if preprocess_params.get("truncation") and "max_length" in kwargs:
            preprocess_params["max_length"] = kwargs["max_length"]
        if "stop_sequence" in kwargs:
            kwargs["stop_strings"] = kwargs.pop("stop_sequence")
        return preprocess_params, kwargs, postprocess_params

    def is_single(self, inputs):
        """A list of messages is one chat."""
        return bool(inputs) and isinstance(inputs[0], dict) and "role" in inputs[0]

    def preprocess(
        self,
        prompt_text,
        prefix="",
        continue_final_message=None,
        tokenizer_encode_kwargs=None,
        **tokenizer_kwargs,
    ):
        """A prompt or chat → input_ids and attention_mask, (1, seq) each."""
        tokenizer_kwargs = {**tokenizer_kwargs, **(tokenizer_encode_kwargs or {})}
        if isinstance(prompt_text, str):
            inputs = self.tokenizer(prefix + prompt_text, return_tensors="np", **tokenizer_kwargs)
        elif isinstance(prompt_text, list) and self.is_single(prompt_text):
            inputs = self._encode_chat(prompt_text, continue_final_message, tokenizer_kwargs)
        else:
            wanted = 'a text, or a chat such as [{"role": "user", "content": "Hello"}]'
            raise ArgumentError("not a prompt", where="inputs", wanted=wanted, got=prompt_text)
        return {**inputs, "prompt_text": prompt_text}

    def _encode_chat(self, messages, continue_final_message, tokenizer_kwargs):
        go_on = continues(messages, continue_final_message)
        return self.tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=not go_on,
            continue_final_message=go_on,
            return_dict=True,
            return_tensors="np",
            **tokenizer_kwargs,
        )

    def _forward(self, model_inputs, **generate_kwargs):
        input_ids = model_inputs.pop("input_ids")
        generate_kwargs = self._with_defaults(generate_kwargs)
        generate_kwargs["attention_mask"] = model_inputs["attention_mask"]
        output = self.model.generate(input_ids=input_ids, **generate_kwargs)
        sequences = getattr(output, "sequences", output)  # (batch · num_return_sequences, total)
        sequences = sequences.reshape(len(input_ids), -1, sequences.shape[-1])
        return {"generated_sequence": sequences, **model_inputs}

    def _with_defaults(self, generate_kwargs):
        """The pipeline's own settings, below the user's and the checkpoint's."""
        config = generate_kwargs.get("generation_config")
        chosen = self.model.generation_config.set_fields() | generate_kwargs
        chosen = chosen if config is None else chosen | config.set_fields()
        added = {**DEFAULT_GENERATION, "pad_token_id": self.tokenizer.pad_token_id}
        if "max_length" in chosen:
            del added["max_new_tokens"]
        if not chosen.get("do_sample", True):
            del added["temperature"]
        if "stop_strings" in chosen:
            added["tokenizer"] = self.tokenizer
        return {name: added[name] for name in added.keys() - chosen.keys()} | generate_kwargs

    def postprocess(
        self,
        model_outputs,
        return_full_text=True,
        return_tensors=False,
        continue_final_message=None,
        skip_special_tokens=True,
        clean_up_tokenization_spaces=None,
    ):
        """Ids → one record for each returned sequence; only the new tokens are decoded."""
        prompt_text = model_outputs["prompt_text"]
        prompt_length = model_outputs["attention_mask"].shape[1]
        records = []
        for sequence in model_outputs["generated_sequence"][0].tolist():
            if return_tensors:
                filled = prompt_length - int(model_outputs["attention_mask"].sum())
                records.append({"generated_token_ids": sequence[filled:]})
                continue
            text = self.tokenizer.decode(
                sequence[prompt_length:],
                skip_special_tokens=skip_special_tokens,
                clean_up_tokenization_spaces=clean_up_tokenization_spaces,
            )
            if return_full_text:
                text = with_prompt(prompt_text, text, continue_final_message)
            records.append({"generated_text": text})
        return records


def continues(messages, continue_final_message):
    """Whether a chat's last message is gone on with: by default if it is the assistant's."""
    if continue_final_message is None:
        return messages[-1]["role"] == "assistant"
    return continue_final_message


def with_prompt(prompt_text, text, continue_final_message):
    """The answer put behind its prompt: text behind text, or a message behind messages."""
    if isinstance(prompt_text, str):
        return prompt_text + text
    *earlier, last = prompt_text
    if continues(prompt_text, continue_final_message):
        return [*earlier, {**last, "content": last["content"] + text}]
    return [*earlier, last, {"role": "assistant", "content": text}]
