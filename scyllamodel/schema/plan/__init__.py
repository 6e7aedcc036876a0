"""Plans: ordered steps made of changes, as one value that is shown, saved and applied.

Modules:
    contract: plan the removal of live objects that no model declares.
    plan: the plan: the statements that would run, the refusals, and notes.
    planner: make a plan from the live and the desired schema.
    rendering: render a plan as text, and as HTML for notebooks.
    step: make the step of a change: its statement, its undo, a summary and its cost.
    transition: compute the exact changes from one schema to another, drops included, for rollback.
"""

from scyllamodel.schema.plan.contract import contract_plan
from scyllamodel.schema.plan.plan import Plan
from scyllamodel.schema.plan.planner import make_plan
from scyllamodel.schema.plan.step import RAW_OP, Cost, Step, make_step
from scyllamodel.schema.plan.transition import transition

__all__ = ["RAW_OP", "Cost", "Plan", "Step", "contract_plan", "make_plan", "make_step", "transition"]
