"""Floor 4 · The rotary fields of a config: two spellings in, one out.

Mirrors RotaryEmbeddingConfigMixin of transformers/modeling_rope_utils.py.

    transformers 4   "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, …}
    transformers 5   "rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0, …}
"""

from tinyhf.functional import ROPE_FUNCTIONS

#: What each rope type cannot do without, and what it may have beside.
REQUIRED = {
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("original_max_position_embeddings",),
    "llama3": (
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
    ),
}
OPTIONAL = {
    "yarn": ("factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"),
}


class RopeConfigMixin:
    """Gives a config ``rope_parameters``, checked, and the old names as views of it."""

    default_theta = 10000.0

    def modernize(self, fields):
        """The base class's, and the old names, where they are given, merged into the new one."""
        theta = fields.pop("rope_theta", None)
        before = fields.get("rope_parameters") or {}
        rope = fields.pop("rope_scaling", None) or before
        if not isinstance(rope, dict) or not isinstance(before, dict):
            raise self.error("rope_parameters", "has the wrong type", wanted="dict", got=rope)
        if theta is None:
            theta = rope.get("rope_theta", before.get("rope_theta", self.default_theta))
        rope = {"rope_type": rope.get("type", "default"), **rope, "rope_theta": theta}
        return super().modernize({**fields, "rope_parameters": rope})

    def validate_rope(self):
        """Raise ConfigError unless the rope type exists and has what it needs."""
        rope = self.rope_parameters
        kind = rope["rope_type"]
        if str(kind) not in ROPE_FUNCTIONS:
            known = ", ".join(ROPE_FUNCTIONS)
            raise self.error("rope_parameters", "unknown rope_type", wanted=known, got=kind)
        if kind in ("llama3", "yarn"):
            rope.setdefault("original_max_position_embeddings", self.max_position_embeddings)
        given = [name for name in OPTIONAL.get(kind, ()) if rope.get(name) is not None]
        for name in ("rope_theta", *REQUIRED.get(kind, ()), *given):
            self._check_rope_number(name, rope.get(name))

    def _check_rope_number(self, name, value):
        if type(value) not in (int, float) or not 0 < value < float("inf"):
            raise self.error(f"rope_parameters.{name}", "must be a number above zero", got=value)

    @property
    def rope_theta(self):
        """``rope_parameters["rope_theta"]``: its name before transformers 5."""
        return self.rope_parameters["rope_theta"]

    @property
    def rope_scaling(self):
        """``rope_parameters`` where it is not the default: its name before transformers 5."""
        return None if self.rope_parameters["rope_type"] == "default" else self.rope_parameters
