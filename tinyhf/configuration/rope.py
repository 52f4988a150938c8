"""Floor 4 · The rotary fields of a config: two spellings in, one out.

Mirrors RotaryEmbeddingConfigMixin of transformers/modeling_rope_utils.py.

    transformers 4   "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, …}
    transformers 5   "rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0, …}
"""

from tinyhf.functional import ROPE_FUNCTIONS

#: What each rope type cannot do without.
REQUIRED = {
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
}


class RopeConfigMixin:
    """Gives a config ``rope_parameters``, checked, and the old names as views of it."""

    default_theta = 10000.0

    def modernize(self, fields):
        """The base class's, and ``rope_theta`` and ``rope_scaling`` merged."""
        theta = fields.pop("rope_theta", None)
        scaling = fields.pop("rope_scaling", None)
        rope = scaling or fields.get("rope_parameters") or {}
        if not isinstance(rope, dict):
            raise self.error("rope_parameters", "has the wrong type", wanted="dict", got=rope)
        rope = {"rope_type": rope.get("type", "default"), **rope}
        rope.setdefault("rope_theta", self.default_theta if theta is None else theta)
        return super().modernize({**fields, "rope_parameters": rope})

    def validate_rope(self):
        """Raise ConfigError unless the rope type exists and has what it needs."""
        rope = self.rope_parameters
        kind = rope["rope_type"]
        if kind not in ROPE_FUNCTIONS:
            known = ", ".join(ROPE_FUNCTIONS)
            raise self.error("rope_parameters", "unknown rope_type", wanted=known, got=kind)
        if kind in ("llama3", "yarn"):
            rope.setdefault("original_max_position_embeddings", self.max_position_embeddings)
        for name in ("rope_theta", *REQUIRED.get(kind, ())):
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
