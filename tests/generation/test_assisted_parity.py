"""Assisted generation and guidance give the tokens of transformers: live, on tiny random models.

Greedy, they are those of plain greedy search as well. Sampled, draft and checks draw in the same
order. Two things of transformers are left out: with look-up and ``top_p`` it tries the processors
on equal scores, so its candidates depend on how torch sorts equal numbers on the machine at hand;
and its draft model takes a generated ``pad_token_id`` that is no end token for padding.
"""

import copy

import numpy as np
import pytest

from tinyhf.models import BartForConditionalGeneration, GPT2LMHeadModel, LlamaForCausalLM

pytestmark = pytest.mark.parity

ENDS = {"eos_token_id": list(range(2, 40)), "pad_token_id": 2}
GREEDY = [{}, {"repetition_penalty": 1.3}, {"no_repeat_ngram_size": 2}, ENDS]
SAMPLING = [
    {"top_k": 0},
    {"temperature": 0.7},
    {"temperature": 0.3, "repetition_penalty": 1.2},
    {**ENDS, "min_new_tokens": 12},
    {**ENDS, "min_length": 15, "top_k": 9},
]
DRAFTS = ["itself", "like it", "another", "look-up"]


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def models(request, tmp_path_factory):
    """(ours, theirs) of a model and of the drafts for it."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def make(seed, layers):
        torch.manual_seed(seed)
        if request.param == "gpt2":
            config = transformers.GPT2Config(
                vocab_size=211, n_embd=32, n_layer=layers, n_head=4, n_positions=256
            )
            kinds = GPT2LMHeadModel, transformers.GPT2LMHeadModel
        else:
            config = transformers.LlamaConfig(
                vocab_size=211,
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=layers,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=256,
            )
            kinds = LlamaForCausalLM, transformers.LlamaForCausalLM
        config.initializer_range, config.eos_token_id = 0.25, None
        return kinds[0], kinds[1](config).eval()

    def read(kind, theirs):
        folder = tmp_path_factory.mktemp("model")
        theirs.save_pretrained(folder)
        return kind.from_pretrained(folder), theirs

    kind, theirs = make(seed=0, layers=2)
    near = copy.deepcopy(theirs)
    with torch.no_grad():
        for parameter in near.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.03 * parameter.std())
    target = read(kind, theirs)
    drafts = {"itself": target, "like it": read(kind, near), "another": read(*make(1, layers=1))}
    return target, drafts


def prompts(count):
    """Few different ids, so that something is found in the text."""
    return [np.random.default_rng(seed).integers(40, 60, (1, 9)) for seed in range(count)]


def both(models, draft, ids, seed=0, **settings):
    """What generate() gives, ours and theirs."""
    import torch

    (ours, theirs), drafts = models
    if draft == "look-up":
        our_draft = their_draft = {"prompt_lookup_num_tokens": 5}
    elif draft is None:
        our_draft = their_draft = {}
    else:
        our_draft, their_draft = ({"assistant_model": model} for model in drafts[draft])
    torch.manual_seed(seed)
    mask = torch.ones(ids.shape, dtype=torch.long)
    wanted = theirs.generate(torch.tensor(ids), attention_mask=mask, **settings, **their_draft)
    if settings.get("do_sample"):
        settings["seed"] = seed
    return ours.generate(ids, **settings, **our_draft), wanted


@pytest.mark.parametrize("settings", GREEDY, ids=str)
@pytest.mark.parametrize("draft", DRAFTS)
def test_greedy_tokens(models, draft, settings):
    """32 runs of 4 prompts, 40 tokens each: 5,120 tokens."""
    for ids in prompts(4):
        chosen, wanted = both(models, draft, ids, max_new_tokens=40, **settings)
        plain = models[0][0].generate(ids, max_new_tokens=40, **settings)
        np.testing.assert_array_equal(chosen, plain)
        np.testing.assert_array_equal(chosen, wanted.numpy())


@pytest.mark.parametrize("settings", SAMPLING, ids=str)
@pytest.mark.parametrize("draft", DRAFTS)
def test_sampled_tokens(models, draft, settings):
    for seed, ids in enumerate(prompts(4)):
        settings = {"do_sample": True, "max_new_tokens": 30, **settings}
        drawn, wanted = both(models, draft, ids, seed, **settings)
        np.testing.assert_array_equal(drawn, wanted.numpy())


@pytest.mark.parametrize("schedule", ["constant", "heuristic", "heuristic_transient"])
def test_schedules(models, schedule):
    """How many candidates there are changes what is drawn, so equal tokens mean equal schedules."""
    configs = [model.generation_config for model in models[1]["like it"]]
    before = [copy.deepcopy(config) for config in configs]
    for config in configs:
        config.num_assistant_tokens, config.num_assistant_tokens_schedule = 3, schedule
        config.assistant_confidence_threshold = 0.05
    ids = prompts(1)[0]
    for seed in range(3):
        settings = {"do_sample": True, "temperature": 0.5, "max_new_tokens": 40}
        drawn, wanted = both(models, "like it", ids, seed, **settings)
        np.testing.assert_array_equal(drawn, wanted.numpy())
    counts = [config.num_assistant_tokens for config in configs]
    assert counts[0] == counts[1]
    assert (counts[0] != 3) == (schedule == "heuristic")
    for model, config in zip(models[1]["like it"], before, strict=True):
        model.generation_config = config


GUIDANCE = [
    {"guidance_scale": 1.5},
    {"guidance_scale": 0.5, "use_cache": False},
    {"guidance_scale": 3, "do_sample": True},
    {"guidance_scale": 1.2, "do_sample": True, "top_p": 0.9, "repetition_penalty": 1.2},
    {"guidance_scale": 1},
]


@pytest.mark.parametrize("settings", GUIDANCE, ids=str)
@pytest.mark.parametrize("negative", [None, "short", "padded"])
def test_guidance(models, negative, settings):
    import torch

    rows = 1 if negative is None else 2
    ids = np.random.default_rng(0).integers(40, 211, (rows, 7))
    ours, theirs = {}, {}
    if negative is not None:
        others = np.random.default_rng(1).integers(40, 211, (rows, 4))
        mask = np.ones_like(others)
        mask[1, :2] = negative == "short"
        ours = {"negative_prompt_ids": others, "negative_prompt_attention_mask": mask}
        theirs = {name: torch.tensor(value) for name, value in ours.items()}
    settings = {
        "max_new_tokens": 25,
        "return_dict_in_generate": True,
        "output_scores": True,
        **settings,
    }
    torch.manual_seed(3)
    wanted = models[0][1].generate(
        torch.tensor(ids), attention_mask=torch.ones_like(torch.tensor(ids)), **settings, **theirs
    )
    output = models[0][0].generate(ids, seed=3, **settings, **ours)
    np.testing.assert_array_equal(output.sequences, wanted.sequences.numpy())
    for mine, their in zip(output.scores, wanted.scores, strict=True):
        scale = settings["guidance_scale"]
        rounding = 1e-5 * (scale + abs(scale - 1))  # of two log-probabilities, times their weights
        np.testing.assert_allclose(mine, their.numpy(), atol=rounding, rtol=1e-5)


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_field_is_that_of_plain_generation(models, draft):
    """transformers repeats rows of the prompt in the first call's attentions; ours are plain's."""
    model = models[0][0]
    ours = {"prompt_lookup_num_tokens": 5}
    if draft != "look-up":
        ours = {"assistant_model": models[1][draft][0]}
    settings = {
        "max_new_tokens": 25,
        "return_dict_in_generate": True,
        "output_scores": True,
        "output_logits": True,
        "output_attentions": True,
        "output_hidden_states": True,
        "repetition_penalty": 1.2,
    }
    ids = prompts(1)[0]
    output, plain = model.generate(ids, **settings, **ours), model.generate(ids, **settings)
    assert output.keys() == plain.keys()
    np.testing.assert_array_equal(output.sequences, plain.sequences)
    for name in ("scores", "logits", "attentions", "hidden_states"):
        for mine, theirs in zip(output[name], plain[name], strict=True):
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_allclose(one, other, atol=2e-5)
    cache, wanted = output.past_key_values, plain.past_key_values
    assert cache.get_seq_length() == wanted.get_seq_length()
    np.testing.assert_allclose(cache[1][0], wanted[1][0], atol=2e-5)


@pytest.mark.parametrize("seed", range(3))
def test_an_encoder_decoder(seed, tmp_path):
    """BART. A sampled draft is left out: from its second round on, the draft that transformers
    makes with a cache has other scores than its own model has without one, by up to 5."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(seed)
    config = transformers.BartConfig(
        vocab_size=61,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=128,
        decoder_start_token_id=0,
        eos_token_id=None,
        forced_eos_token_id=None,
        init_std=0.5,
    )
    theirs = transformers.BartForConditionalGeneration(config).eval()
    theirs.save_pretrained(tmp_path)
    ours = BartForConditionalGeneration.from_pretrained(tmp_path)
    ids = np.random.default_rng(seed).integers(2, 60, (1, 8))
    sampling = {"do_sample": True, "temperature": 0.6}
    for draft, settings in [("look-up", {}), ("look-up", sampling), ("itself", {})]:
        torch.manual_seed(seed)
        drafts = [{"assistant_model": model} for model in (ours, theirs)]
        if draft == "look-up":
            drafts = [{"prompt_lookup_num_tokens": 3}] * 2
        settings = {"max_new_tokens": 25, **settings}
        mask = torch.ones(ids.shape, dtype=torch.long)
        wanted = theirs.generate(torch.tensor(ids), attention_mask=mask, **settings, **drafts[1])
        if "do_sample" in settings:
            settings["seed"] = seed
        np.testing.assert_array_equal(ours.generate(ids, **settings, **drafts[0]), wanted.numpy())
