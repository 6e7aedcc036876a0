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
from scyllamodel.release.draft import Wish
from scyllamodel.release.look import Look
from scyllamodel.release.named import Named, named
from scyllamodel.schema.changes import AlterColumn, AlterKey
from scyllamodel.schema.course import Course, Refused, column_course, held, table_course, type_course
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff import Sides, diff_sides
from scyllamodel.schema.facts import Table
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.source import Called
from scyllamodel.types.values import COUNTER


def expand(repo: Repo, what: Named) -> Course:
    """How to get round a refused change of a key, a type, a field, a frozen or static column, or the name of a column.

    The course has five stages: the new column or table beside the old one, writing both, the backfill, reading the new
    one, dropping the old one. Each comes with its classes, its CQL and its commands.

    Parameters:
        what: ``Order.total``, ``Order``, or the name of either.

    Raises:
        ConfigurationError: nothing of it is refused, or it is refused for something that no course gets round.
        DiscoveryError, ConnectionFailed, IntrospectionError, KeyspaceError: models or server cannot be read.
    """
    wish = Wish.of(repo, None, create_keyspace=False)
    model, column = named(wish.models, what)
    look = Look.at(repo)
    facts: Table = model.__facts__
    keyspace = facts.keyspace or repo.keyspace
    sides = Sides.of(look.existing(keyspace)[keyspace], wish.facts()[keyspace], look.server)
    altered = _altered(sides, facts.name)
    chosen = [change for change in altered if column is None or _speaks_of(change, column)]
    case = _refused(repo, wish.models, model, sides)
    if not chosen:
        course = None if column is None else _of_types(case, sides, column)
        if course is None:
            raise ConfigurationError(_nothing(model, column, altered), object=f"{keyspace}.{facts.name}")
        return course
    change = chosen[0]
    if isinstance(change, AlterKey) or change.wanted.in_key:
        return table_course(case)
    case = _split(case, change)
    if COUNTER in (change.found.type, change.wanted.type):
        raise ConfigurationError(f"A counter has no course round it.\n{case.reasons[0]}", object=case.reasons[0].object)
    return column_course(case, change.found, change.wanted)


def _of_types(case: Refused, sides: Sides, column: Column[Any]) -> Course | None:
    """The course for a column whose user type, or one inside of it, is refused another field or type of a field."""
    refusals = [found for found in make_plan(sides.wanted, sides.found, sides.server).refusals if found.code in _TYPES]
    stored = case.stored.get(column.db_name)
    mine = [found for found in refusals if stored is not None and held(stored, sides.wanted.types, [_type_in(found)])]
    if stored is None or not mine:
        return None
    others = attrs.evolve(case, reasons=tuple(mine), others=case.reasons)
    return type_course(others, stored, [_type_in(found) for found in mine])


_TYPES: Final = ("UD102", "UD103")
"""What a second type gets round; other mistakes in the fields of a type are mended in its class."""


def _type_in(found: Diagnostic) -> str:
    """The type that a remark on one of its fields speaks of: ``keyspace.type.field``, names being plain ones."""
    return found.object.split(".")[1]


def _altered(sides: Sides, table: str) -> list[AlterKey | AlterColumn]:
    """What this table would need that CQL cannot do; its key first."""
    changes = diff_sides(sides)
    keys = [c for c in changes if isinstance(c, AlterKey) and isinstance(c.wanted, Table) and c.wanted.name == table]
    return [*keys, *(c for c in changes if isinstance(c, AlterColumn) and c.table == table)]


def _speaks_of(change: AlterKey | AlterColumn, column: Column[Any]) -> bool:
    if isinstance(change, AlterColumn):
        return column.db_name == change.wanted.name
    return column.spec.kind in ("partition_key", "clustering")


def _nothing(model: type[Any], column: Column[Any] | None, altered: Sequence[AlterKey | AlterColumn]) -> str:
    what = model.__qualname__ if column is None else f"{model.__qualname__}.{column.name}"
    said = f"Nothing of {what} is refused that a course could get round"
    others = [change.wanted.name for change in altered if isinstance(change, AlterColumn)]
    more = f"; of {model.__qualname__} it is {', '.join(others)}" if others and column is not None else ""
    return f"{said}{more}. See scyllamodel plan."


def _refused(repo: Repo, models: Sequence[type[Any]], model: type[Any], sides: Sides) -> Refused:
    """The table with all that is refused of it."""
    name, place = model.__facts__.name, f"{sides.name}.{model.__facts__.name}"
    refusals = make_plan(sides.wanted, sides.found, sides.server).refusals
    return Refused(
        found=sides.found,
        wanted=sides.wanted,
        server=sides.server,
        stored=sides.tables[name],
        table=sides.declared[name],
        called=_called(models, model),
        module=model.__module__,
        repo=repo.name,
        reasons=tuple(found for found in refusals if found.object == place or found.object.startswith(f"{place}.")),
    )


def _split(case: Refused, change: AlterColumn) -> Refused:
    """What is refused of the one column apart from what is of others."""
    path = f"{case.found.name}.{change.table}.{change.found.name}"
    mine = tuple(found for found in case.reasons if found.object == path)
    return attrs.evolve(case, reasons=mine, others=tuple(found for found in case.reasons if found not in mine))


def _called(models: Sequence[type[Any]], model: type[Any]) -> Called:
    """How the user calls classes, and the attributes of this one."""
    classes = {("table", one.__facts__.name): one.__name__ for one in models if is_table(one)}
    classes |= {("view", one.__facts__.name): one.__name__ for one in models if not is_table(one)}
    classes |= {("type", kind.__facts__.name): kind.__name__ for one in models for kind in one.__user_types__}
    attributes = {column.db_name: name for name, column in columns_of(model).items()}
    return Called(classes, {model.__facts__.name: attributes})
