"""Floor 6 · Looking at a model: what would be loaded, and why; what it computes, value by value.

Reading order, for loading: weight_files → parameter_tree → load_plan → plan_tables → tensor_story →
story_text → load_story; for what is computed: watch → lens_names → trace_file → trace_table →
tracing → patching → measuring → hints → debugger_output → torch_side → sides → comparing.
"""

from tinyhf.inspection.comparing import Comparison, compare
from tinyhf.inspection.load_plan import LoadPlan, plan_load
from tinyhf.inspection.load_story import LoadStory, load_story
from tinyhf.inspection.parameter_tree import Branch, Leaf, parameter_tree
from tinyhf.inspection.patching import patch, replay
from tinyhf.inspection.plan_tables import show_plan
from tinyhf.inspection.stopping import stop_at
from tinyhf.inspection.tracing import Trace, load_trace, trace
from tinyhf.inspection.watch import watch
from tinyhf.inspection.weight_files import ShardPlan, plan_weights

__all__ = [
    "Branch",
    "Comparison",
    "Leaf",
    "LoadPlan",
    "LoadStory",
    "ShardPlan",
    "Trace",
    "compare",
    "load_story",
    "load_trace",
    "parameter_tree",
    "patch",
    "plan_load",
    "plan_weights",
    "replay",
    "show_plan",
    "stop_at",
    "trace",
    "watch",
]
