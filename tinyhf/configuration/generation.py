"""Floor 4 · ``generation_config.json``: how long, how random and in what form ``generate`` answers.

Mirrors transformers/generation/configuration_utils.py. A field that nobody set is None; generate()
looks for each one in this order:

    its own keywords > generation_config= > model.generation_config > GLOBAL_DEFAULTS
"""

import copy
import json
from pathlib import Path

from tinyhf.configuration.base import read_json
from tinyhf.configuration.generation_rules import RULES
from tinyhf.errors import ArgumentError, HubError
from tinyhf.hub import HubOptions, cached_file

GENERATION_CONFIG_NAME = "generation_config.json"
METADATA_FIELDS = ("_from_model_config", "transformers_version")

#: What holds for fields that nobody set. No max_length: by default 20 new tokens follow any prompt.
GLOBAL_DEFAULTS = {
    "min_length": 0,
    "do_sample": False,
    "use_cache": True,
    "num_beams": 1,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "typical_p": 1.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "num_return_sequences": 1,
    "output_scores": False,
    "return_dict_in_generate": False,
    "early_stopping": False,
    "length_penalty": 1.0,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "remove_invalid_values": False,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "num_assistant_tokens": 20,
    "num_assistant_tokens_schedule": "constant",
    "assistant_confidence_threshold": 0.4,
    "assistant_lookbehind": 10,
    "target_lookbehind": 10,
    "num_beam_groups": 1,
    "diversity_penalty": 0.0,
}


class GenerationConfig:
    """All settings of ``generate``, under Hugging Face's names; unknown ones are kept as they are.

    Raises:
        ArgumentError: a value is impossible.
    """

    # How long, in tokens, seconds or texts.
    max_length = None  # the prompt and what follows it
    max_new_tokens = None  # what follows the prompt; wins over max_length
    min_length = None  # the prompt and what follows it
    min_new_tokens = None
    max_time = None  # seconds
    stop_strings = None  # a text or a list of texts; needs generate(tokenizer=...)

    # Which token comes next.
    do_sample = None  # True: drawn by its probability; False: the most probable one
    temperature = None  # scores are divided by it: below 1 bolder differences, above 1 flatter
    top_k = None  # only the k most probable tokens; 0 for all
    top_p = None  # only the most probable tokens that together reach this probability
    min_p = None  # only tokens with this share of the best one's probability
    typical_p = None  # only tokens about as surprising as the text is on average, to this mass
    repetition_penalty = None  # above 1: tokens that are there already become less probable
    no_repeat_ngram_size = None  # a run of so many tokens may occur once only; 0 for off
    top_h = None  # only the most probable tokens that together reach this share of the entropy
    epsilon_cutoff = None  # only tokens of this probability or more; 0 for off
    eta_cutoff = None  # the same, lower where the entropy is high; 0 for off
    encoder_repetition_penalty = None  # above 1: tokens of the text that is read get more probable
    encoder_no_repeat_ngram_size = None  # no run of so many tokens of the text that is read
    sequence_bias = None  # [[ids], number] each: added to the score of what completes these ids
    bad_words_ids = None  # lists of ids that never occur
    suppress_tokens = begin_suppress_tokens = None  # ids that never come, or not as the first one
    forced_bos_token_id = forced_eos_token_id = None  # the second token of all, the last one
    exponential_decay_length_penalty = None  # (start, factor): the end is more and more probable
    remove_invalid_values = None  # NaN and infinite scores become numbers
    renormalize_logits = None  # after all that, scores become log-probabilities

    # Beam search: several texts at once.
    num_beams = None  # texts that are followed for each prompt; 1 for no beam search
    length_penalty = None  # score / length**length_penalty: above 0 it favours long texts
    early_stopping = None  # True: as many answers as beams are enough; "never": no shortcut

    # What comes back.
    num_return_sequences = None  # answers to each prompt; with beams, the best of them
    return_dict_in_generate = None  # a GenerateDecoderOnlyOutput instead of the ids alone; with it
    output_scores = output_logits = output_attentions = output_hidden_states = None

    # Special tokens.
    pad_token_id = None  # fills the rows of a batch that end early; the first eos if nobody set it
    bos_token_id = None  # the prompt, where there is none
    eos_token_id = None  # ends a row; may be a list

    use_cache = None  # keep keys and values of earlier tokens

    # Classifier-free guidance.
    guidance_scale = None  # above 1 the prompt counts for more; see negative_prompt_ids=

    # Assisted generation: tokens are guessed, and the model checks several at once.
    prompt_lookup_num_tokens = None  # guess so many, from what the text says elsewhere
    max_matching_ngram_size = None  # so many last tokens are looked for there; 2 if nobody says
    # These three count in the config of the assistant_model:
    num_assistant_tokens = None  # it guesses so many
    num_assistant_tokens_schedule = None  # "heuristic": more of them after each success
    assistant_confidence_threshold = None  # it stops at a guess less probable than this

    # Known by name, so that files that hold them can be read, shown and saved.
    assistant_early_exit = assistant_ensemble_weight = assistant_lookbehind = cache_config = None
    cache_implementation = compile_config = constraints = continuous_batching_config = None
    decoder_start_token_id = disable_compile = diversity_penalty = dola_layers = None
    force_words_ids = is_assistant = low_memory = max_cache_len = num_beam_groups = None
    penalty_alpha = prefill_chunk_size = speculation_type = target_lookbehind = token_healing = None
    use_mtp = watermarking_config = None
    _from_model_config = transformers_version = None

    def __init__(self, **fields):
        vars(self).update(fields)  # only what is set: the None of the class stands for the others
        self.validate()

    # ---- reading -------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, pretrained_model_name, config_file_name=None, **kwargs):
        """The settings stored beside a model; other keywords replace them.

        Raises:
            HubError: there is no such file, or no way to reach it.
            ConfigError: the file is no JSON object.
            ArgumentError: a value is impossible.
        """
        hub_options = HubOptions.pop_from(kwargs)
        return_unused_kwargs = kwargs.pop("return_unused_kwargs", False)
        config_file_name = config_file_name or GENERATION_CONFIG_NAME
        path = cached_file(pretrained_model_name, config_file_name, hub_options)
        if path is None:
            raise HubError(f"there is no {config_file_name}", where=str(pretrained_model_name))
        config = cls(**read_json(path))
        unused_kwargs = config.update(**kwargs)
        return (config, unused_kwargs) if return_unused_kwargs else config

    @classmethod
    def from_model_config(cls, model_config):
        """What a model's own config says about generation: special tokens, and older leftovers."""
        fields = model_config if isinstance(model_config, dict) else vars(model_config)
        known = {name: fields[name] for name in FIELDS & fields.keys() if fields[name] is not None}
        return cls(**{**known, "_from_model_config": True})

    # ---- filling and checking ------------------------------------------------------------------

    def set_fields(self):
        """The fields that somebody set, as a dict."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def update(self, **kwargs):
        """Set the fields this config knows; returns the keywords it does not know."""
        known = FIELDS | vars(self).keys()
        vars(self).update({name: kwargs[name] for name in known & kwargs.keys()})
        self.validate()
        return {name: value for name, value in kwargs.items() if name not in known}

    def validate(self):
        """Check each field that is set, then those that must fit together.

        Raises:
            ArgumentError: names the field, its value, and what is allowed.
        """
        for name in sorted(vars(self).keys() & RULES.keys()):
            if (value := getattr(self, name)) is not None and not RULES[name].allows(value):
                raise ArgumentError("not allowed", where=name, wanted=RULES[name].wanted, got=value)
        sequences, num_beams = self.num_return_sequences or 1, self.num_beams or 1
        if sequences > num_beams and (num_beams > 1 or not self.do_sample):
            raise too_many_answers(sequences, num_beams)

    # ---- printing and saving -------------------------------------------------------------------

    def to_dict(self):
        """All fields, set or not."""
        return {**dict.fromkeys(FIELDS), **copy.deepcopy(vars(self))}

    def to_json_string(self, use_diff=True, ignore_metadata=False):
        """The text of ``generation_config.json``: with ``use_diff``, only fields that are set."""
        fields = self.set_fields() if use_diff else self.to_dict()
        if isinstance(bias := fields.get("sequence_bias"), dict):
            fields["sequence_bias"] = list(bias.items())  # JSON has no tuples as keys
        hidden = METADATA_FIELDS if ignore_metadata else ()
        shown = {name: value for name, value in fields.items() if name not in hidden}
        return json.dumps(shown, indent=2, sort_keys=True) + "\n"

    def save_pretrained(self, save_directory, config_file_name=None):
        """Write the file into the folder, which is made if need be."""
        self.validate()
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (config_file_name or GENERATION_CONFIG_NAME)
        path.write_text(self.to_json_string(), encoding="utf-8")

    def __repr__(self):
        return f"{type(self).__name__} {self.to_json_string(ignore_metadata=True)}"

    def __eq__(self, other):
        return isinstance(other, GenerationConfig) and repr(self) == repr(other)


def too_many_answers(sequences, num_beams):
    """The error for more answers than there are beams, or than greedy decoding has."""
    problem, wanted = "there are not so many beams", f"at most num_beams={num_beams}"
    fix = "Set num_beams higher."
    if num_beams == 1:
        problem, wanted = "greedy decoding has one answer only", "1"
        fix = "Set do_sample=True to get different answers, or num_beams= to get the best ones."
    where = "num_return_sequences"
    return ArgumentError(problem, where=where, wanted=wanted, got=sequences, fix=fix)


#: The names of all fields that transformers knows.
FIELDS = {
    name
    for name, value in vars(GenerationConfig).items()
    if value is None and not name.startswith("__")
}
