"""Evaluate changes: refusals, warnings and notes with codes, and suggested fixes.

*In*: the changes of one keyspace with its live and desired facts (`RuleContext`). *Out*: all diagnostics, in the order
of the changes. The diff computes what would change; the rules decide whether it may. One module for each family of
codes; `catalogue` has the meaning of each code.
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
    user_types,
    views,
)
from scyllamodel.schema.rules.context import Finding, Racks, RuleContext, Topology, is_allowed

if TYPE_CHECKING:
    from scyllamodel.schema.changes.kinds import Change
    from scyllamodel.schema.diagnostics import Diagnostic
    from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
    from scyllamodel.schema.rules.context import ChangeRule
    from scyllamodel.schema.server.profile import ServerProfile

__all__ = ["Finding", "Racks", "RuleContext", "Topology", "evaluate", "lint"]

_FAMILIES: Final = (
    breaking, keyspaces, destructive, keys, types, user_types, indexes, views, options, option_limits, nulls,
    compatibility,
)  # fmt: skip


def _rules_by_change() -> Mapping[type, tuple[ChangeRule, ...]]:
    rules: dict[type, tuple[ChangeRule, ...]] = {}
    for family in _FAMILIES:
        for change, rule in family.RULES.items():
            rules[change] = (*rules.get(change, ()), rule)
    return rules


_RULES: Final = _rules_by_change()


def evaluate(context: RuleContext) -> tuple[Finding, ...]:
    """Return all findings for these changes.

    A refusal in ``context.allow`` becomes a warning.
    """
    findings = [
        Finding(diagnostic)
        for diagnostic in (*keyspaces.missing(context), *racks.rack_diagnostics(context), *_lint_declared(context))
    ]
    findings += [
        Finding(_with_allowed_severity(diagnostic, context), change)
        for change in context.changes
        for diagnostic in _rule_findings(change, context)
    ]
    findings += [
        Finding(diagnostic) for diagnostic in (*compatibility.stale_renames(context), *breaking.stray_quotes(context))
    ]
    return tuple(findings)


def lint(desired: SchemaFacts, server: ServerProfile | None = None) -> tuple[Diagnostic, ...]:
    """Return the diagnostics for models alone; with a server also for what it does not support."""
    return tuple(diagnostic for keyspace in desired for diagnostic in (*_lint(keyspace, server), *nulls.lint(keyspace)))


def _rule_findings(change: Change, context: RuleContext) -> Iterator[Diagnostic]:
    for rule in _RULES.get(type(change), ()):
        yield from rule(change, context)


def _with_allowed_severity(diagnostic: Diagnostic, context: RuleContext) -> Diagnostic:
    return attrs.evolve(diagnostic, severity="warn", fix="") if is_allowed(diagnostic, context.allow) else diagnostic


def _lint_declared(context: RuleContext) -> Iterator[Diagnostic]:
    return _lint(context.desired, context.server, strategy=False)


def _lint(desired: KeyspaceFacts, server: ServerProfile | None, *, strategy: bool = True) -> Iterator[Diagnostic]:
    yield from breaking.lint(desired, server)
    if strategy and desired.keyspace is not None:
        yield from keyspaces.lint_strategy(desired.name, desired.keyspace.replication)
    yield from user_types.lint(desired)
    yield from indexes.lint(desired, server)
    yield from options.lint(desired, server)
