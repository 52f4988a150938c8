"""Floor 6 · Looking at a model: what would be loaded, and why.

Reading order: parameter_tree → load_plan → plan_tables.
"""

from tinyhf.inspection.load_plan import LoadPlan, ShardPlan, plan_load
from tinyhf.inspection.parameter_tree import Branch, Leaf, parameter_tree
from tinyhf.inspection.plan_tables import show_plan

__all__ = [
    "Branch",
    "Leaf",
    "LoadPlan",
    "ShardPlan",
    "parameter_tree",
    "plan_load",
    "show_plan",
]
