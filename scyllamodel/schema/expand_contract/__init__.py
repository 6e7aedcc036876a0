"""Expand/contract migrations: the stages of a change that CQL cannot make.

*In*: the live and the desired table, and the refused changes. *Out*: an `ExpandContractPlan`: for each stage the
classes, the statements and the commands. No I/O.

Modules:
    columns: replace a column that CQL cannot alter: a new column beside the old one.
    plan: an expand/contract plan as a value: its stages in deployment order.
    refused_change: a refused change, and what the stages of its expand/contract plan share.
    tables: replace a table whose key CQL cannot alter: a new table beside the old one.
    user_types: replace a user type whose fields CQL cannot alter: a new type, in a new column beside the old one.
    views: views that block dropping a column: they are dropped with it, and created again over the new column.
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
