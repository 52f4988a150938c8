"""Floor 6 · What ChatGLM adds to ``generate``: a chat with a history, and masks of its own form.

Mirrors chat, stream_chat and stream_generate of modeling_chatglm.py (THUDM/chatglm-6b).
"""

import re

import numpy as np

from tinyhf.backend import to_host
from tinyhf.generation.assembly import choose_generator, get_stopping_criteria
from tinyhf.generation.beam_search import cannot_stream
from tinyhf.generation.logits_process import LogitsProcessor
from tinyhf.generation.preparation import (
    prepare_generated_length,
    prepare_generation_config,
    prepare_special_tokens,
)
from tinyhf.generation.utils import GenerationMixin
from tinyhf.models.chatglm_prompt import check_mask

#: Half-width signs become full-width ones beside a Chinese character.
FULL_WIDTH = {",": "，", "!": "！", ":": "：", ";": "；", "?": "？"}
CHINESE = "[\u4e00-\u9fff]"


class InvalidScoreLogitsProcessor(LogitsProcessor):
    """NaN and infinity, which float16 can run into, make a space the next token.

    Args:
        space_token_id: the id of the piece ▁.
    """

    def __init__(self, space_token_id=5):
        self.space_token_id = space_token_id

    def __call__(self, input_ids, scores):
        if np.isfinite(scores).all():
            return scores
        scores = np.zeros_like(scores)
        scores[:, self.space_token_id] = 5e4
        return scores


def build_prompt(query, history):
    """The text of all rounds; ``history`` is a list of (query, response).

    Without a history it is the query itself.
    """
    if not history:
        return query
    rounds = [
        f"[Round {number}]\n问：{old_query}\n答：{response}\n"
        for number, (old_query, response) in enumerate(history)
    ]
    return "".join(rounds) + f"[Round {len(history)}]\n问：{query}\n答："


def process_response(response):
    """The answer as people write it: full-width punctuation beside Chinese characters."""
    response = response.strip().replace("[[训练时间]]", "2023年")
    for half, full in FULL_WIDTH.items():
        sign = re.escape(half)
        response = re.sub(f"({CHINESE}){sign}", rf"\1{full}", response)
        response = re.sub(f"{sign}({CHINESE})", rf"{full}\1", response)
    return response


def with_invalid_score(logits_processor, tokenizer):
    """The caller's processors, and the one that ChatGLM always has."""
    space_token_id = tokenizer.convert_tokens_to_ids("▁")
    return [*(logits_processor or []), InvalidScoreLogitsProcessor(space_token_id)]


def ask_for_one_token(settings, prompt_length):
    """Change settings for a whole answer into those for each of its tokens."""
    if settings.min_new_tokens is not None:
        settings.min_length, settings.min_new_tokens = prompt_length + settings.min_new_tokens, None
    settings.max_length, settings.max_new_tokens = None, 1
    settings.return_dict_in_generate = settings.use_cache = True


class ChatGLMGenerationMixin(GenerationMixin):
    """Becomes a base class of ChatGLMForConditionalGeneration in ``tinyhf.generation``."""

    process_response = staticmethod(process_response)

    def chat(
        self,
        tokenizer,
        query,
        history=None,
        max_length=2048,
        num_beams=1,
        do_sample=True,
        top_p=0.7,
        temperature=0.95,
        logits_processor=None,
        **kwargs,
    ):
        """Answer ``query``.

        Args:
            tokenizer: the ``ChatGLMTokenizer`` of the model.
            history: the rounds before: a list of (query, response).
            max_length: tokens of prompt and response together.
            num_beams, do_sample, top_p, temperature, logits_processor, kwargs: see ``generate``.

        Returns:
            (response, history with this round at its end).
        """
        history = history or []
        input_ids = tokenizer(build_prompt(query, history), return_tensors="np")["input_ids"]
        if do_sample:
            kwargs |= {"top_p": top_p, "temperature": temperature}
        ids = self.generate(
            input_ids,
            max_length=max_length,
            num_beams=num_beams,
            do_sample=do_sample,
            logits_processor=with_invalid_score(logits_processor, tokenizer),
            **kwargs,
        )
        response = process_response(tokenizer.decode(ids[0, input_ids.shape[1] :]))
        return response, [*history, (query, response)]

    def stream_chat(
        self,
        tokenizer,
        query,
        history=None,
        max_length=2048,
        do_sample=True,
        top_p=0.7,
        temperature=0.95,
        logits_processor=None,
        **kwargs,
    ):
        """The answer as it grows: yields (response so far, history with it) for each token but the
        last. Arguments as for ``chat``."""
        history = history or []
        input_ids = tokenizer(build_prompt(query, history), return_tensors="np")["input_ids"]
        if do_sample:
            kwargs |= {"top_p": top_p, "temperature": temperature}
        steps = self.stream_generate(
            input_ids,
            max_length=max_length,
            do_sample=do_sample,
            logits_processor=with_invalid_score(logits_processor, tokenizer),
            **kwargs,
        )
        for ids in steps:
            response = process_response(tokenizer.decode(ids[0, input_ids.shape[1] :]))
            yield response, [*history, (query, response)]

    def stream_generate(
        self,
        input_ids,
        generation_config=None,
        logits_processor=None,
        stopping_criteria=None,
        seed=None,
        generator=None,
        **kwargs,
    ):
        """Prompt and answer, (1, tokens), after each token but the last.

        ``generate`` is asked for one more token again and again, and is given the cache of the time
        before. Arguments as there.
        """
        settings, model_kwargs = prepare_generation_config(self, generation_config, kwargs)
        if settings.num_beams > 1:
            raise cannot_stream("num_beams")
        prepare_special_tokens(settings)
        prepare_generated_length(settings, input_ids.shape[1], self.config.max_sequence_length)
        is_finished = get_stopping_criteria(settings, stopping_criteria, None)
        generator = choose_generator(seed, generator)
        ask_for_one_token(settings, input_ids.shape[1])
        while True:
            outputs = self.generate(
                input_ids,
                settings,
                logits_processor,
                generator=generator,
                **model_kwargs,
            )
            input_ids = outputs.sequences
            model_kwargs["past_key_values"] = outputs.past_key_values
            if is_finished(input_ids, None).all():
                return
            yield input_ids

    def _prepare_attention_mask_for_generation(self, input_ids, attention_mask, generation_config):
        """The mask as ChatGLM's tokenizer makes it; without padding none is needed."""
        if attention_mask is None or (attention_mask.ndim == 2 and attention_mask.all()):
            return None
        check_mask(attention_mask, *input_ids.shape, input_ids.shape[1])
        return to_host(attention_mask)

    def _update_model_kwargs_for_generation(self, outputs, model_kwargs):
        """The cache that the step filled; one more row and column, where the tokenizer gave some.

        The new token sees what the last one saw, and itself; it is one step further in the block.
        """
        model_kwargs["past_key_values"] = outputs.past_key_values
        if (mask := model_kwargs["attention_mask"]) is not None:  # (rows, 1, tokens, tokens)
            mask = np.concatenate((mask, mask[:, :, -1:]), axis=2)
            new_column = np.ones((*mask.shape[:3], 1), bool)
            new_column[:, :, -1] = False
            model_kwargs["attention_mask"] = np.concatenate((mask, new_column), axis=3)
        if (positions := model_kwargs.get("position_ids")) is not None:  # (rows, 2, tokens)
            positions = to_host(positions)
            next_step = positions[..., -1:] + np.array([[0], [1]])
            model_kwargs["position_ids"] = np.concatenate((positions, next_step), axis=-1)
        return model_kwargs
