"""Floor 6 · Looking at a model: what would be loaded, and why.

Reading order: weight_files → parameter_tree → load_plan → plan_tables.
"""

from tinyhf.inspection.load_plan import LoadPlan, plan_load
from tinyhf.inspection.parameter_tree import Branch, Leaf, parameter_tree
from tinyhf.inspection.plan_tables import show_plan
from tinyhf.inspection.weight_files import ShardPlan, plan_weights

__all__ = [
    "Branch",
    "Leaf",
    "LoadPlan",
    "ShardPlan",
    "parameter_tree",
    "plan_load",
    "plan_weights",
    "show_plan",
]
