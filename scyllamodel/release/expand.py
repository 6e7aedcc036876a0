"""`expand`: the course round a change that CQL cannot do, for the very table and column at hand.

*In*: a repo, and what was refused. *Out*: a `Course`. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.model.column import Column
from scyllamodel.query.functions import is_table
from scyllamodel.query.parts import columns_of
from scyllamodel.release.draft import MigrationRequest
from scyllamodel.release.look import ClusterView
from scyllamodel.release.named import ModelOrColumn, find_model_or_column
from scyllamodel.schema.changes import AlterColumn, AlterKey
from scyllamodel.schema.course import Course, Refused, column_course, held, table_course, type_course
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff import Sides, diff_sides
from scyllamodel.schema.facts import Table
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.source import Called
from scyllamodel.types.values import COUNTER


def expand(repo: Repo, model_or_column: ModelOrColumn) -> Course:
    """How to get round a refused change of a key, a type, a field, a frozen or static column, or the name of a column.

    The course has five stages: the new column or table beside the old one, writing both, the backfill, reading the new
    one, dropping the old one. Each comes with its classes, its CQL and its commands.

    Parameters:
        model_or_column: ``Order.total``, ``Order``, or the name of either.

    Raises:
        ConfigurationError: nothing of it is refused, or it is refused for something that no course gets round.
        DiscoveryError, ConnectionFailed, IntrospectionError, KeyspaceError: models or server cannot be read.
    """
    request = MigrationRequest.from_arguments(repo, None, create_keyspace=False)
    model, column = find_model_or_column(request.models, model_or_column)
    cluster = ClusterView.connect(repo)
    facts: Table = model.__facts__
    keyspace = facts.keyspace or repo.keyspace
    pair = Sides.of(cluster.introspect_existing(keyspace)[keyspace], request.desired_schema()[keyspace], cluster.server)
    alterations = _alterations(pair, facts.name)
    relevant = [change for change in alterations if column is None or _concerns(change, column)]
    refused = _refused_changes(repo, request.models, model, pair)
    if not relevant:
        plan = None if column is None else _plan_for_types(refused, pair, column)
        if plan is None:
            raise ConfigurationError(_no_plan_message(model, column, alterations), object=f"{keyspace}.{facts.name}")
        return plan
    change = relevant[0]
    if isinstance(change, AlterKey) or change.wanted.in_key:
        return table_course(refused)
    refused = _split_reasons(refused, change)
    if COUNTER in (change.found.type, change.wanted.type):
        raise ConfigurationError(
            f"A counter has no course round it.\n{refused.reasons[0]}", object=refused.reasons[0].object
        )
    return column_course(refused, change.found, change.wanted)


def _plan_for_types(refused: Refused, pair: Sides, column: Column[Any]) -> Course | None:
    """The course for a column whose user type, or one inside of it, is refused another field or type of a field."""
    refusals = [
        refusal for refusal in make_plan(pair.wanted, pair.found, pair.server).refusals if refusal.code in _TYPE_CODES
    ]
    stored_column = refused.stored.get(column.db_name)
    own_refusals = [
        refusal
        for refusal in refusals
        if stored_column is not None and held(stored_column, pair.wanted.types, [_refused_type(refusal)])
    ]
    if stored_column is None or not own_refusals:
        return None
    type_refused = attrs.evolve(refused, reasons=tuple(own_refusals), others=refused.reasons)
    return type_course(type_refused, stored_column, [_refused_type(refusal) for refusal in own_refusals])


_TYPE_CODES: Final = ("UD102", "UD103")
"""What a second type gets round; other mistakes in the fields of a type are mended in its class."""


def _refused_type(refusal: Diagnostic) -> str:
    """The type that a remark on one of its fields speaks of: ``keyspace.type.field``, names being plain ones."""
    return refusal.object.split(".")[1]


def _alterations(pair: Sides, table: str) -> list[AlterKey | AlterColumn]:
    """What this table would need that CQL cannot do; its key first."""
    changes = diff_sides(pair)
    keys = [
        change
        for change in changes
        if isinstance(change, AlterKey) and isinstance(change.wanted, Table) and change.wanted.name == table
    ]
    return [*keys, *(change for change in changes if isinstance(change, AlterColumn) and change.table == table)]


def _concerns(change: AlterKey | AlterColumn, column: Column[Any]) -> bool:
    if isinstance(change, AlterColumn):
        return column.db_name == change.wanted.name
    return column.spec.kind in ("partition_key", "clustering")


def _no_plan_message(
    model: type[Any], column: Column[Any] | None, alterations: Sequence[AlterKey | AlterColumn]
) -> str:
    subject = model.__qualname__ if column is None else f"{model.__qualname__}.{column.name}"
    sentence = f"Nothing of {subject} is refused that a course could get round"
    other_columns = [change.wanted.name for change in alterations if isinstance(change, AlterColumn)]
    suffix = (
        f"; of {model.__qualname__} it is {', '.join(other_columns)}" if other_columns and column is not None else ""
    )
    return f"{sentence}{suffix}. See scyllamodel plan."


def _refused_changes(repo: Repo, models: Sequence[type[Any]], model: type[Any], pair: Sides) -> Refused:
    """The table with all that is refused of it."""
    name, qualified_name = model.__facts__.name, f"{pair.name}.{model.__facts__.name}"
    refusals = make_plan(pair.wanted, pair.found, pair.server).refusals
    return Refused(
        found=pair.found,
        wanted=pair.wanted,
        server=pair.server,
        stored=pair.tables[name],
        table=pair.declared[name],
        called=_name_map(models, model),
        module=model.__module__,
        repo=repo.name,
        reasons=tuple(
            refusal
            for refusal in refusals
            if refusal.object == qualified_name or refusal.object.startswith(f"{qualified_name}.")
        ),
    )


def _split_reasons(refused: Refused, change: AlterColumn) -> Refused:
    """What is refused of the one column apart from what is of others."""
    path = f"{refused.found.name}.{change.table}.{change.found.name}"
    own_reasons = tuple(reason for reason in refused.reasons if reason.object == path)
    return attrs.evolve(
        refused, reasons=own_reasons, others=tuple(reason for reason in refused.reasons if reason not in own_reasons)
    )


def _name_map(models: Sequence[type[Any]], model: type[Any]) -> Called:
    """How the user calls classes, and the attributes of this one."""
    classes = {("table", declared.__facts__.name): declared.__name__ for declared in models if is_table(declared)}
    classes |= {("view", declared.__facts__.name): declared.__name__ for declared in models if not is_table(declared)}
    classes |= {
        ("type", user_type.__facts__.name): user_type.__name__
        for declared in models
        for user_type in declared.__user_types__
    }
    attributes = {column.db_name: name for name, column in columns_of(model).items()}
    return Called(classes, {model.__facts__.name: attributes})
