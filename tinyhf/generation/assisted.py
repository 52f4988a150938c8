"""Floor 6 · Assisted generation: many tokens are guessed cheaply, one call checks them all.

Mirrors ``_assisted_decoding`` and ``_speculative_sampling`` of transformers/generation/utils.py:

    text ── candidates ──┐
                         ├─ model, once ─ scores after each candidate ─ the right ones + 1 more ─┐
    ┌────────────────────┘                                                                       │
    └── text, cache without the wrong ones ──────────────────────────────────────────────────────┘

Greedy, the tokens are those of greedy search, whatever is guessed; sampled, each one has the
probability that the model alone gives it.
"""

import numpy as np

from tinyhf.backend import to_host
from tinyhf.errors import ArgumentError
from tinyhf.functional import softmax
from tinyhf.generation.candidate_generator import get_candidate_generator
from tinyhf.generation.steps import begin_stream, cannot_draw, on_device, what_to_record


def assisted_decoding(
    model,
    input_ids,
    logits_processor,
    stopping_criteria,
    generation_config,
    streamer=None,
    generator=None,
    assistant_model=None,
    assistant_inputs=None,
    **model_kwargs,
):
    """The loop: some candidates, one call of the model, at least one more token.

    Raises:
        ArgumentError: the settings do not go together, or the assistant does not fit the model.
    """
    check_settings(generation_config, assistant_model, len(input_ids))
    assistant_inputs = assistant_inputs or {"attention_mask": model_kwargs["attention_mask"]}
    candidate_generator = get_candidate_generator(
        model, generation_config, logits_processor, generator, assistant_model, assistant_inputs
    )
    recorded = what_to_record(generation_config, model.recordable)
    if streamer is not None:
        begin_stream(streamer, input_ids)

    finished = False
    while not finished:
        length = input_ids.shape[1]
        candidate_ids, candidate_scores = candidate_generator.get_candidates(input_ids)
        candidates = candidate_ids[0, length:]  # (candidates,)

        outputs = check_candidates(model, candidate_ids, len(candidates), model_kwargs)
        logits = to_host(outputs.logits[0, -len(candidates) - 1 :]).astype(np.float32)
        rows = [
            logits_processor(candidate_ids[:, : length + i], logits[i : i + 1])
            for i in range(len(logits))
        ]
        scores = np.concatenate(rows)  # (candidates + 1, vocabulary)
        if generation_config.do_sample and candidate_scores is not None:
            tokens = speculative_sampling(candidates, candidate_scores, scores, generator)
        else:
            tokens = compare(candidates, scores, generation_config.do_sample, generator)

        for i, token in enumerate(tokens):
            if not scores[i].max() > -np.inf:  # all are banned, or one is NaN
                raise cannot_draw(softmax(scores[i : i + 1]), input_ids)
            input_ids = np.append(input_ids, [[token]], axis=1)
            if recorded:
                record_token(recorded, i, scores, logits, outputs, input_ids.shape[1] - 1)
            if streamer is not None:
                streamer.put(input_ids[0, -1:])
            if finished := stopping_criteria(input_ids, recorded.get("scores")).all():
                break

        outputs.past_key_values.crop(i - len(candidates))  # forget those that were wrong
        model_kwargs["past_key_values"] = outputs.past_key_values
        candidate_generator.update_candidate_strategy(len(candidates), num_matches=i)

    if streamer is not None:
        streamer.end()
    if not generation_config.return_dict_in_generate:
        return input_ids
    steps = {name: tuple(values) for name, values in recorded.items()}
    return model._generate_output(input_ids, steps, model_kwargs)


def check_settings(generation_config, assistant_model, rows):
    """Raise ArgumentError where guesses cannot be checked."""
    if assistant_model is not None and generation_config.prompt_lookup_num_tokens is not None:
        where = "assistant_model and prompt_lookup_num_tokens"
        raise ArgumentError("both make candidates: give one of them", where=where)
    where = "prompt_lookup_num_tokens" if assistant_model is None else "assistant_model"
    if not generation_config.use_cache:
        raise ArgumentError("needs use_cache=True", where=where)
    if generation_config.num_beams > 1:
        got = generation_config.num_beams
        raise ArgumentError(f"{where} needs one beam", where="num_beams", wanted="1", got=got)
    if rows > 1:
        wanted, fix = "one row", "Give one prompt, and num_return_sequences=1."
        raise ArgumentError("needs a batch of one", where=where, wanted=wanted, got=rows, fix=fix)
    if generation_config.guidance_scale not in (None, 1):
        raise ArgumentError("cannot go together", where=f"guidance_scale and {where}")


def check_candidates(model, candidate_ids, num_candidates, model_kwargs):
    """One call of the model: what it says after the last known token, and after each candidate."""
    model_kwargs = {**model_kwargs, "logits_to_keep": num_candidates + 1}
    for name in (model.text_mask, "token_type_ids"):
        if (given := model_kwargs.get(name)) is not None:  # one mark for each id; 1 stands for text
            given = to_host(given)
            missing = candidate_ids.shape[1] - given.shape[1]
            last = given[:, -1:] if name == "token_type_ids" else 1
            model_kwargs[name] = np.append(given, np.full((1, missing), last), axis=1)
    model_inputs = model.prepare_inputs_for_generation(candidate_ids, **model_kwargs)
    return model(**on_device(model_inputs, model.device), return_dict=True)


def compare(candidates, scores, do_sample, generator):
    """The candidates that the model chooses as well, then the first that it chooses otherwise."""
    if do_sample:
        chosen = generator.multinomial(softmax(scores), num_samples=1)[:, 0]
    else:
        chosen = scores.argmax(axis=-1)  # (candidates + 1,)
    return chosen[: count_accepted(chosen[:-1] == candidates) + 1]


def speculative_sampling(candidates, candidate_scores, scores, generator):
    """The candidates that pass a draw each, then one more token.

    Algorithm 1 of Leviathan et al. 2023, arXiv:2211.17192. With q the probabilities of the draft
    and p those of the model, candidate x passes with probability p(x) / q(x); where one fails, the
    token is drawn from max(p - q, 0), so that all in all it has the probability p.

    Args:
        candidates: (candidates,).
        candidate_scores: (candidates, vocabulary), what they were drawn from.
        scores: (candidates + 1, vocabulary), the model's.
        generator: the stream of draws.
    """
    p, q = softmax(scores), softmax(candidate_scores)
    index = np.arange(len(candidates))
    ratio = p[index, candidates] / q[index, candidates]
    matches = count_accepted(generator.uniform(len(candidates)) <= ratio)
    probs = p[matches]
    if matches < len(candidates):
        rest = np.maximum(probs - q[matches], 0)
        probs = rest / rest.sum() if rest.any() else probs
    return np.append(candidates[:matches], generator.multinomial(probs[None])[0])


def count_accepted(is_accepted):
    """How many are accepted before the first one that is not."""
    return int(np.logical_and.accumulate(is_accepted).sum())


def record_token(recorded, i, scores, logits, outputs, seen):
    """What one step of the plain loop would have kept: the part of the i-th token of this call.

    Args:
        seen: how many tokens the model had read to say it.
    """
    for name, values in recorded.items():
        if name in ("scores", "logits"):
            values.append((scores if name == "scores" else logits)[i : i + 1])
            continue
        first = i - len(scores) if values else None  # the first step has read the prompt as well
        queries = slice(first, i - len(scores) + 1 or None)
        keys = seen if name in ("attentions", "decoder_attentions") else None
        values.append(tuple(layer[..., queries, :keys] for layer in outputs[name]))
