"""Changes -> diagnostics with codes: what is refused, what is worth knowing, and what to do instead.

*In*: the changes of one keyspace with the facts of both sides (`Case`). *Out*: remarks, all of them at once, in the
order of the changes. The differ says what would happen; only here is it said whether it may. One file per family of
codes; `catalogue` tells what each code means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.rules import (
    breaking,
    compatibility,
    destructive,
    indexes,
    keys,
    keyspaces,
    nulls,
    option_limits,
    options,
    racks,
    types,
    usertypes,
    views,
)
from scyllamodel.schema.rules.case import Case, Racks, Remark, Topology, allowed

if TYPE_CHECKING:
    from scyllamodel.schema.changes import Change
    from scyllamodel.schema.diagnostics import Diagnostic
    from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
    from scyllamodel.schema.rules.case import ChangeRule
    from scyllamodel.schema.server import ServerProfile

__all__ = ["Case", "Racks", "Remark", "Topology", "judge", "lint"]

_FAMILIES: Final = (
    breaking, keyspaces, destructive, keys, types, usertypes, indexes, views, options, option_limits, nulls,
    compatibility,
)  # fmt: skip


def _by_change() -> Mapping[type, tuple[ChangeRule, ...]]:
    rules: dict[type, tuple[ChangeRule, ...]] = {}
    for family in _FAMILIES:
        for change, rule in family.RULES.items():
            rules[change] = (*rules.get(change, ()), rule)
    return rules


_RULES: Final = _by_change()


def judge(case: Case) -> tuple[Remark, ...]:
    """Everything there is to say of these changes.

    What ``case.allow`` names is a warning instead of an error.
    """
    remarks = [Remark(found) for found in (*keyspaces.missing(case), *racks.unfit(case), *_declared(case))]
    remarks += [Remark(_weighed(found, case), change) for change in case.changes for found in _of(change, case)]
    remarks += [Remark(found) for found in (*compatibility.stale_renames(case), *breaking.stray_quotes(case))]
    return tuple(remarks)


def lint(wanted: SchemaFacts, server: ServerProfile | None = None) -> tuple[Diagnostic, ...]:
    """What can be said of models alone, without a cluster; with a server also what it would not know."""
    return tuple(found for part in wanted for found in (*_lint(part, server), *nulls.lint(part)))


def _of(change: Change, case: Case) -> Iterator[Diagnostic]:
    for rule in _RULES.get(type(change), ()):
        yield from rule(change, case)


def _weighed(found: Diagnostic, case: Case) -> Diagnostic:
    return attrs.evolve(found, severity="warn", fix="") if allowed(found, case.allow) else found


def _declared(case: Case) -> Iterator[Diagnostic]:
    return _lint(case.wanted, case.server, strategy=False)


def _lint(wanted: KeyspaceFacts, server: ServerProfile | None, *, strategy: bool = True) -> Iterator[Diagnostic]:
    yield from breaking.lint(wanted, server)
    if strategy and wanted.keyspace is not None:
        yield from keyspaces.lint_strategy(wanted.name, wanted.keyspace.replication)
    yield from usertypes.lint(wanted)
    yield from indexes.lint(wanted, server)
    yield from options.lint(wanted, server)
