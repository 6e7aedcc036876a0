"""Expand/contract migrations: the stages of a change that CQL cannot make in one step.

*In*: both sides of a table, and what was refused. *Out*: a `ExpandContractPlan`: for each stage the classes as they are
then, the statements that run, and the commands to type. No I/O.

Modules:
    columns: a column that cannot become what is wanted: another one beside it, until the old one can go.
    plan: a course as a value: its stages, in the order in which they are deployed and run.
    refused_change: what a course is made of, and what its stages have in common.
    tables: a table whose key cannot become what is wanted: another table beside it, until the old one can go.
    user_types: a user type whose fields cannot become what is wanted: another type.
    views: views that stand in the way of dropping a column: dropped with it, and made again over the new column.
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
