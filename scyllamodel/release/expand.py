"""Computes the expand/contract plan for a change that CQL cannot make, for one table or column.

*In*: a repo and what was refused. *Out*: an `ExpandContractPlan`. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.model.column import Column
from scyllamodel.query.functions import is_table
from scyllamodel.query.targets import columns_of
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.name_lookup import ModelOrColumn, find_model_or_column
from scyllamodel.release.engine.planning import MigrationRequest
from scyllamodel.schema.changes.kinds import AlterColumn, AlterKey
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff_pair
from scyllamodel.schema.expand_contract import (
    ExpandContractPlan,
    RefusedChange,
    holds_refused_type,
    plan_column_change,
    plan_table_change,
    plan_type_change,
)
from scyllamodel.schema.export.models.module import NameMap
from scyllamodel.schema.facts.objects import Table
from scyllamodel.schema.plan import make_plan
from scyllamodel.types.cql_types import COUNTER


def expand(repo: Repo, model_or_column: ModelOrColumn) -> ExpandContractPlan:
    """Plan an expand/contract migration for a refused change of a key, type, field, frozen or static column, or name.

    It has five stages: add the new column or table, write both, backfill, read the new one, drop the old one. Each has
    its classes, CQL and commands.

    Parameters:
        model_or_column: ``Order.total``, ``Order``, or a name of either.

    Raises:
        ConfigurationError: nothing of it is refused, or the refusal has no expand/contract plan.
        DiscoveryError, ConnectionFailed, IntrospectionError, KeyspaceError: models or server cannot be read.
    """
    request = MigrationRequest.from_arguments(repo, None, create_keyspace=False)
    model, column = find_model_or_column(request.models, model_or_column)
    cluster = ClusterView.connect(repo)
    facts: Table = model.__facts__
    keyspace = facts.keyspace or repo.keyspace
    pair = SchemaPair.of(
        cluster.introspect_existing(keyspace)[keyspace], request.desired_schema()[keyspace], cluster.server
    )
    alterations = _alterations(pair, facts.name)
    relevant = [change for change in alterations if column is None or _concerns(change, column)]
    refused = _refused_changes(repo, request.models, model, pair)
    if not relevant:
        plan = None if column is None else _plan_for_types(refused, pair, column)
        if plan is None:
            raise ConfigurationError(_no_plan_message(model, column, alterations), object=f"{keyspace}.{facts.name}")
        return plan
    change = relevant[0]
    if isinstance(change, AlterKey) or change.desired.in_key:
        return plan_table_change(refused)
    refused = _split_reasons(refused, change)
    if COUNTER in (change.live.type, change.desired.type):
        raise ConfigurationError(
            f"Counters cannot be migrated this way.\n{refused.reasons[0]}", object=refused.reasons[0].object
        )
    return plan_column_change(refused, change.live, change.desired)


def _plan_for_types(refused: RefusedChange, pair: SchemaPair, column: Column[Any]) -> ExpandContractPlan | None:
    """Return the plan for a column whose user type, or a nested one, has a refused change of fields."""
    refusals = [
        refusal for refusal in make_plan(pair.desired, pair.live, pair.server).refusals if refusal.code in _TYPE_CODES
    ]
    stored_column = refused.live_table.get(column.db_name)
    own_refusals = [
        refusal
        for refusal in refusals
        if stored_column is not None and holds_refused_type(stored_column, pair.desired.types, [_refused_type(refusal)])
    ]
    if stored_column is None or not own_refusals:
        return None
    type_refused = attrs.evolve(refused, reasons=tuple(own_refusals), other_refusals=refused.reasons)
    return plan_type_change(type_refused, stored_column, [_refused_type(refusal) for refusal in own_refusals])


_TYPE_CODES: Final = ("UD102", "UD103")
"""Refusals that a second type avoids; other mistakes in fields are fixed in the class."""


def _refused_type(refusal: Diagnostic) -> str:
    """Return the type of a refusal on a field: ``keyspace.type.field``, with unquoted names."""
    return refusal.object.split(".")[1]


def _alterations(pair: SchemaPair, table: str) -> list[AlterKey | AlterColumn]:
    """Return changes of the table that CQL cannot make; the key first."""
    changes = diff_pair(pair)
    keys = [
        change
        for change in changes
        if isinstance(change, AlterKey) and isinstance(change.desired, Table) and change.desired.name == table
    ]
    return [*keys, *(change for change in changes if isinstance(change, AlterColumn) and change.table == table)]


def _concerns(change: AlterKey | AlterColumn, column: Column[Any]) -> bool:
    if isinstance(change, AlterColumn):
        return column.db_name == change.desired.name
    return column.spec.kind in ("partition_key", "clustering")


def _no_plan_message(
    model: type[Any], column: Column[Any] | None, alterations: Sequence[AlterKey | AlterColumn]
) -> str:
    subject = model.__qualname__ if column is None else f"{model.__qualname__}.{column.name}"
    sentence = f"Nothing of {subject} is refused that an expand/contract plan could replace"
    other_columns = [change.desired.name for change in alterations if isinstance(change, AlterColumn)]
    suffix = (
        f"; of {model.__qualname__} it is {', '.join(other_columns)}" if other_columns and column is not None else ""
    )
    return f"{sentence}{suffix}. See scyllamodel plan."


def _refused_changes(repo: Repo, models: Sequence[type[Any]], model: type[Any], pair: SchemaPair) -> RefusedChange:
    """Return the table with all its refusals."""
    name, qualified_name = model.__facts__.name, f"{pair.name}.{model.__facts__.name}"
    refusals = make_plan(pair.desired, pair.live, pair.server).refusals
    return RefusedChange(
        live=pair.live,
        desired=pair.desired,
        server=pair.server,
        live_table=pair.live_tables[name],
        desired_table=pair.desired_tables[name],
        names=_name_map(models, model),
        module=model.__module__,
        repo=repo.name,
        reasons=tuple(
            refusal
            for refusal in refusals
            if refusal.object == qualified_name or refusal.object.startswith(f"{qualified_name}.")
        ),
    )


def _split_reasons(refused: RefusedChange, change: AlterColumn) -> RefusedChange:
    """Separate the refusals of one column from those of others."""
    path = f"{refused.live.name}.{change.table}.{change.live.name}"
    own_reasons = tuple(reason for reason in refused.reasons if reason.object == path)
    return attrs.evolve(
        refused,
        reasons=own_reasons,
        other_refusals=tuple(reason for reason in refused.reasons if reason not in own_reasons),
    )


def _name_map(models: Sequence[type[Any]], model: type[Any]) -> NameMap:
    """Return class and attribute names of the user's code."""
    classes = {("table", declared.__facts__.name): declared.__name__ for declared in models if is_table(declared)}
    classes |= {("view", declared.__facts__.name): declared.__name__ for declared in models if not is_table(declared)}
    classes |= {
        ("type", user_type.__facts__.name): user_type.__name__
        for declared in models
        for user_type in declared.__user_types__
    }
    attributes = {column.db_name: name for name, column in columns_of(model).items()}
    return NameMap(classes, {model.__facts__.name: attributes})
