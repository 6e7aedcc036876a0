"""Changes -> ordered steps, as one value that is shown, saved and applied."""

from scyllamodel.schema.plan.make import make_plan
from scyllamodel.schema.plan.plan import Plan
from scyllamodel.schema.plan.step import Cost, Step, make_step

__all__ = ["Cost", "Plan", "Step", "make_plan", "make_step"]
