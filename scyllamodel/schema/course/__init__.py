"""The way round a change that CQL cannot do: expand, write both, backfill, switch, contract.

*In*: both sides of a table, and what was refused. *Out*: a `ExpandContractPlan`: for each stage the classes as they are
then, the statements that run, and the commands to type. No I/O.
"""

from scyllamodel.schema.course.columns import plan_column_change
from scyllamodel.schema.course.sides import RefusedChange
from scyllamodel.schema.course.stages import ExpandContractPlan, Stage
from scyllamodel.schema.course.tables import plan_table_change
from scyllamodel.schema.course.types import holds_refused_type, plan_type_change

__all__ = [
    "ExpandContractPlan",
    "RefusedChange",
    "Stage",
    "holds_refused_type",
    "plan_column_change",
    "plan_table_change",
    "plan_type_change",
]
