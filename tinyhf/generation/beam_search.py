"""Floor 6 · Beam search: follow several texts at once, and answer with the best ones.

Mirrors ``_beam_search`` in transformers/generation/utils.py. A step with two beams; the numbers are
log-probabilities of whole texts:

    running            candidates                              finished: score / length
    "the cat"  -1.0 ─┬─ "the cat sat"  -1.2  goes on
                     └─ "the cat ran"  -2.5  falls out
    "the dog"  -2.0 ─┬─ "the dog."     -2.1  ends here ─────── "the dog."  -2.1 / 3
                     └─ "the dog sat"  -2.4  goes on

It is over when no running beam can become better than the finished ones, or none can go on.
"""

import numpy as np

from tinyhf.backend import to_host
from tinyhf.errors import ArgumentError
from tinyhf.functional import log_softmax
from tinyhf.generation.beam_state import (
    continue_beams,
    keep_finished,
    keep_running,
    may_improve,
    start_beams,
)
from tinyhf.generation.steps import on_device, record_step, what_to_record


def beam_search(
    model,
    input_ids,
    logits_processor,
    stopping_criteria,
    generation_config,
    streamer=None,
    generator=None,
    **model_kwargs,
):
    """The loop: every beam one token longer, until each prompt has its answers.

    Arguments as for ``_sample``; ``input_ids`` is (batch * beams, tokens). With ``do_sample`` the
    candidates are drawn from all continuations, instead of the best ones taken.
    """
    if streamer is not None:
        raise cannot_stream("streamer")
    config, recorded = generation_config, what_to_record(generation_config, model.recordable)
    candidate_count, fill = count_candidates(config), fill_token(config)
    drawn_by = generator if config.do_sample else None
    most_tokens = config.max_length - input_ids.shape[1]
    running, finished = start_beams(input_ids, config.num_beams)
    is_open = np.ones(len(running.scores), bool)  # (batch,): prompts that still take answers
    is_done = np.zeros(1, bool)

    while is_open.any() and not is_done.all():
        input_ids = flatten(running.sequences)  # (batch * beams, tokens)
        model_inputs = model.prepare_inputs_for_generation(input_ids, **model_kwargs)
        if model.device != "cpu":
            model_inputs = on_device(model_inputs, model.device)
        outputs = model(**model_inputs, return_dict=True)
        model_kwargs = model._update_model_kwargs_for_generation(outputs, model_kwargs)

        logits = to_host(outputs.logits[:, -1]).astype(np.float32)  # (batch * beams, vocabulary)
        log_probs = logits_processor(input_ids, log_softmax(logits))
        if recorded:
            record_step(recorded, log_probs, logits, outputs)

        candidates = continue_beams(running, log_probs, candidate_count, drawn_by)
        is_done = stopping_criteria(flatten(candidates.sequences), recorded.get("scores"))
        candidates = candidates._replace(is_finished=is_done.reshape(candidates.scores.shape))
        running = keep_running(candidates, config.num_beams)
        finished = keep_finished(finished, candidates, is_open, config.length_penalty, fill)
        is_open &= may_improve(running, finished, config, most_tokens)
        if (cache := model_kwargs["past_key_values"]) is not None:  # to each beam its own past
            cache.reorder_cache(flatten(running.beam_indices)[:, -1].tolist())

    answers = best_answers(finished, config.num_return_sequences)
    if not config.return_dict_in_generate:
        return flatten(answers.sequences)
    steps = {name: tuple(values) for name, values in recorded.items()}
    steps["beam_indices"] = flatten(answers.beam_indices)
    steps["sequences_scores"] = flatten(answers.scores) if config.output_scores else None
    return model._generate_output(flatten(answers.sequences), steps, model_kwargs)


def flatten(values):
    """(batch, beams, ...) → (batch * beams, ...)."""
    return values.reshape(-1, *values.shape[2:])


def count_candidates(config):
    """So many that, whichever of them end now, as many as there are beams go on."""
    ends = config.eos_token_id or [None]
    return (len(ends) + 1) * config.num_beams


def fill_token(config):
    """What stands after the end of a text that is shorter than others; -1 where nothing ends one.

    transformers takes the pad token 0 for none at all, so the end token comes again.
    """
    if config.eos_token_id is None:
        return -1
    return config.pad_token_id or config.eos_token_id[0]


def best_answers(finished, count):
    """The ``count`` best of each prompt, without what is longer than all of them."""
    best = finished.take(np.arange(count)[None])
    unused = best.new_tokens - (best.beam_indices >= 0).sum(axis=2).max()
    end = -unused or None
    return best._replace(
        sequences=best.sequences[:, :, :end], beam_indices=best.beam_indices[:, :, :end]
    )


def cannot_stream(where):
    """The error for whoever wants to see the text grow."""
    fix = "The best beam may change until the end. Set num_beams=1."
    return ArgumentError("beam search cannot stream", where=where, fix=fix)
