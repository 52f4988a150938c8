"""The same run as transformers' Trainer: every line of the log over 50 steps, dropout included."""

import numpy
import pytest

import tinyhf
from tinyhf import AutoTokenizer
from tinyhf.training import DataCollatorForLanguageModeling, Trainer, TrainingArguments

pytestmark = pytest.mark.parity

#: Largest relative difference of a loss. Measured: 3e-7.
TOLERANCE = 1e-4
STEPS = 50
VOCABULARY = 64

GPT2 = {"vocab_size": VOCABULARY, "n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 4}
BERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 32,
}
LLAMA = {**BERT, "num_key_value_heads": 2, "pad_token_id": 0}
T5 = {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2}

#: Model class → (config class, sizes, names of its dropouts).
MODELS = {
    "LlamaForCausalLM": ("LlamaConfig", LLAMA, ["attention_dropout"]),
    "GPT2LMHeadModel": ("GPT2Config", GPT2, ["resid_pdrop", "embd_pdrop", "attn_pdrop"]),
    "BertForSequenceClassification": (
        "BertConfig",
        {**BERT, "num_labels": 3},
        ["hidden_dropout_prob", "attention_probs_dropout_prob"],
    ),
    "BertForMaskedLM": (
        "BertConfig",
        BERT,
        ["hidden_dropout_prob", "attention_probs_dropout_prob"],
    ),
    "T5ForConditionalGeneration": (
        "T5Config",
        {**T5, "num_heads": 4, "decoder_start_token_id": 0},
        ["dropout_rate"],
    ),
}


def items_of(model_name, count=37):
    rng = numpy.random.default_rng(0)
    rows = rng.integers(5, VOCABULARY, (count, 12)).tolist()
    mask = [1] * 12
    if model_name == "BertForSequenceClassification":
        return [{"input_ids": row, "attention_mask": mask, "label": row[0] % 3} for row in rows]
    if model_name == "T5ForConditionalGeneration":
        return [
            {"input_ids": row, "attention_mask": mask, "labels": row[:4] + [-100] * (i % 3)}
            | {"labels": (row[:4] + [-100] * (i % 3) + row[4:])[:7]}
            for i, row in enumerate(rows)
        ]
    return [
        {"input_ids": row, "labels": row[:9] + [-100] * (i % 4) + row[9 + i % 4 :]}
        for i, row in enumerate(rows)
    ]


def both_models(name, dropout):
    import transformers

    config_name, sizes, dropouts = MODELS[name]
    fields = {**sizes, **dict.fromkeys(dropouts, dropout)}
    transformers.set_seed(0)
    config = getattr(transformers, config_name)(**fields, attn_implementation="eager")
    theirs = getattr(transformers, name)(config)
    ours = getattr(tinyhf, name)(getattr(tinyhf, config_name)(**fields))
    for key, value in theirs.state_dict().items():
        if key in ours.state_dict():
            ours.set_parameter(key, value.numpy().copy())
    ours.tie_weights()
    return ours, theirs


def both_logs(tmp_path, models, items, collators=(None, None), **changes):
    """The log of our run, and of transformers'."""
    import transformers

    arguments = {
        "per_device_train_batch_size": 4,
        "max_steps": STEPS,
        "logging_steps": 1,
        "learning_rate": 3e-3,
        "weight_decay": 0.1,
        "warmup_steps": 5,
        "save_strategy": "no",
        "eval_strategy": "steps",
        "eval_steps": 20,
        "disable_tqdm": True,
        "report_to": "none",
        **changes,
    }
    kinds = [(Trainer, TrainingArguments, {}), _theirs(transformers)]
    logs = []
    for model, collator, (trainer_class, arguments_class, more) in zip(
        models, collators, kinds, strict=True
    ):
        run = trainer_class(
            model=model,
            args=arguments_class(str(tmp_path), **arguments, **more),
            data_collator=collator,
            train_dataset=items,
            eval_dataset=items[:9],
        )
        run.train()
        logs.append(run.state.log_history)
    return logs


def _theirs(transformers):
    return transformers.Trainer, transformers.TrainingArguments, {"use_cpu": True}


def assert_same_log(ours, theirs):
    for name in ("loss", "grad_norm", "learning_rate", "eval_loss", "train_loss"):
        own = [(line["step"], line["epoch"], line[name]) for line in ours if name in line]
        other = [(line["step"], line["epoch"], line[name]) for line in theirs if name in line]
        assert own and len(own) == len(other), name
        numpy.testing.assert_allclose(own, other, rtol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", MODELS)
def test_fifty_steps(tmp_path, name, dropout):
    models = both_models(name, dropout)
    assert_same_log(*both_logs(tmp_path, models, items_of(name)))


@pytest.mark.parametrize("name", MODELS)
def test_accumulation_and_coarse_log(tmp_path, name):
    models = both_models(name, 0.1)
    changes = {"gradient_accumulation_steps": 3, "logging_steps": 4, "lr_scheduler_type": "cosine"}
    assert_same_log(*both_logs(tmp_path, models, items_of(name), **changes, max_steps=30))


def test_label_smoothing(tmp_path):
    for name in ("LlamaForCausalLM", "GPT2LMHeadModel", "BertForSequenceClassification"):
        models, changes = both_models(name, 0.1), {"label_smoothing_factor": 0.1, "max_steps": 30}
        logs = both_logs(tmp_path, models, items_of(name), **changes, gradient_accumulation_steps=2)
        assert_same_log(*logs)


@pytest.mark.parametrize(
    "changes",
    [
        {"optim": "sgd", "optim_args": "momentum=0.9"},
        {"optim": "adafactor"},
        {"seed": 7, "data_seed": 3, "max_grad_norm": 0.0},
        {"dataloader_drop_last": True, "train_sampling_strategy": "sequential"},
        {"train_sampling_strategy": "group_by_length"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_other_arguments(tmp_path, changes):
    name = "LlamaForCausalLM"
    logs = both_logs(tmp_path, both_models(name, 0.1), items_of(name), **changes, max_steps=30)
    assert_same_log(*logs)


def test_hidden_tokens_and_dropout_from_one_stream(tmp_path):
    """The collator draws masks and the model draws dropout, in the order of transformers."""
    import transformers

    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales-gaps")
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    other = transformers.AutoTokenizer.from_pretrained(tmp_path / "tokenizer")
    collators = (
        DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.3),
        transformers.DataCollatorForLanguageModeling(other, mlm_probability=0.3),
    )
    MODELS["BertForMaskedLM"][1]["vocab_size"] = len(tokenizer)
    items = [{"input_ids": item["input_ids"]} for item in items_of("BertForMaskedLM")]
    models = both_models("BertForMaskedLM", 0.1)
    logs = both_logs(tmp_path, models, items, collators, max_steps=30)
    MODELS["BertForMaskedLM"][1]["vocab_size"] = VOCABULARY
    assert_same_log(*logs)


def test_state_file_and_model_are_read_by_transformers(tmp_path):
    """trainer_state.json and the weights of a checkpoint of ours."""
    import transformers

    ours, _ = both_models("LlamaForCausalLM", 0.0)
    arguments = TrainingArguments(str(tmp_path), max_steps=2, disable_tqdm=True)
    Trainer(ours, arguments, train_dataset=items_of("LlamaForCausalLM")).train()
    folder = tmp_path / "checkpoint-2"
    path = str(folder / "trainer_state.json")
    assert transformers.trainer_callback.TrainerState.load_from_json(path).global_step == 2
    theirs = transformers.LlamaForCausalLM.from_pretrained(folder)
    for name, value in theirs.state_dict().items():
        assert numpy.array_equal(value.numpy(), ours.get_parameter(name).array)


def test_every_argument_of_transformers_is_known():
    """Defaults are equal; what has no meaning here is accepted at its default."""
    import dataclasses

    import transformers

    own = {field.name: field.default for field in dataclasses.fields(TrainingArguments)}
    for field in dataclasses.fields(transformers.TrainingArguments):
        default = field.default
        if default is dataclasses.MISSING:
            default = field.default_factory()
        TrainingArguments("x", **{field.name: default} if field.name != "output_dir" else {})
        if field.name in own and field.name not in ("disable_tqdm", "gradient_checkpointing"):
            assert own.pop(field.name) == default, field.name
    assert own.keys() == {"disable_tqdm", "gradient_checkpointing"}
