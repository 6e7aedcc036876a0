"""Plans: ordered steps made of changes, as one value that is shown, saved and applied."""

from scyllamodel.schema.plan.contract import contract_plan
from scyllamodel.schema.plan.plan import Plan
from scyllamodel.schema.plan.planner import make_plan
from scyllamodel.schema.plan.step import RAW_OP, Cost, Step, make_step
from scyllamodel.schema.plan.transition import transition

__all__ = ["RAW_OP", "Cost", "Plan", "Step", "contract_plan", "make_plan", "make_step", "transition"]
