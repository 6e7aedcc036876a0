"""Expand/contract migrations: the stages of a change that CQL cannot make in one step.

*In*: both sides of a table, and what was refused. *Out*: a `ExpandContractPlan`: for each stage the classes as they are
then, the statements that run, and the commands to type. No I/O.
"""

from scyllamodel.schema.expand_contract.columns import plan_column_change
from scyllamodel.schema.expand_contract.plan import ExpandContractPlan, Stage
from scyllamodel.schema.expand_contract.refused_change import RefusedChange
from scyllamodel.schema.expand_contract.tables import plan_table_change
from scyllamodel.schema.expand_contract.user_types import holds_refused_type, plan_type_change

__all__ = [
    "ExpandContractPlan",
    "RefusedChange",
    "Stage",
    "holds_refused_type",
    "plan_column_change",
    "plan_table_change",
    "plan_type_change",
]
