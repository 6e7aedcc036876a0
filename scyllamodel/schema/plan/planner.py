"""Make a plan from the live and the desired schema.

*In*: both schemas, the server, what is allowed. *Out*: a `Plan`, which does not depend on the order of models and rows.
No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes.kinds import Change, CreateKeyspace
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff_pair
from scyllamodel.schema.facts.fingerprint import fingerprint, managed_fingerprint
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan.plan import LazyDigest, Plan
from scyllamodel.schema.plan.step import Step, is_step, make_step
from scyllamodel.schema.rules.evaluation import Finding, Racks, RuleContext, Topology, evaluate
from scyllamodel.schema.rules.keyspaces import with_replication

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from scyllamodel.schema.diagnostics import Diagnostic
    from scyllamodel.schema.server.profile import ServerProfile


def make_plan(
    desired: SchemaFacts | KeyspaceFacts,
    live: SchemaFacts | KeyspaceFacts,
    server: ServerProfile,
    *,
    topology: Topology | None = None,
    racks: Racks | None = None,
    create_keyspace: bool = False,
    allow: Collection[str] = (),
) -> Plan:
    """Make the plan from the live schema to the one that models declare.

    Impossible changes raise nothing: they are in ``Plan.refusals``, and `Plan.raise_refused` raises them.

    Parameters:
        topology: the number of nodes in each data centre; used to check the replication of a new keyspace.
        racks: the racks of each data centre; used to check views and indexes in a keyspace with tablets.
        create_keyspace: whether to create a keyspace that does not exist; if not, the plan has a refusal.
        allow: codes, or ``code:object``, of refusals that are allowed.
    """
    desired, live = _as_schema(desired), _as_schema(live)
    if create_keyspace:
        desired = SchemaFacts(with_replication(keyspace, topology) for keyspace in desired)
    live_by_name = {keyspace.name: keyspace for keyspace in live}
    pairs = [
        SchemaPair.of(live_by_name.get(keyspace.name, KeyspaceFacts(keyspace.name)), keyspace, server)
        for keyspace in desired
    ]
    changes = [diff_pair(pair, create_keyspace=create_keyspace) for pair in pairs]
    contexts = [
        RuleContext(pair, pair_changes, topology, frozenset(allow), racks)
        for pair, pair_changes in zip(pairs, changes, strict=True)
    ]
    return _filled_plan(
        Plan(
            keyspace=", ".join(changes_of_pair.name for changes_of_pair in desired),
            server=str(server),
            schema_from=LazyDigest(lambda: managed_fingerprint(live, desired)),
            schema_to=LazyDigest(lambda: fingerprint(desired)),
        ),
        [change for keyspace in changes for change in keyspace],
        [finding for context in contexts for finding in evaluate(context)],
        server,
    )


def _as_schema(facts: SchemaFacts | KeyspaceFacts) -> SchemaFacts:
    return SchemaFacts([facts]) if isinstance(facts, KeyspaceFacts) else facts


def _filled_plan(base: Plan, changes: Iterable[Change], findings: list[Finding], server: ServerProfile) -> Plan:
    """Convert findings: refused changes give no step, findings about a step are its lints, all others are notes."""
    refused = {id(finding.change) for finding in findings if finding.diagnostic.severity == "error" and finding.change}
    runnable = [change for change in changes if is_step(change) and id(change) not in refused]
    keyspace_changes = [change for change in runnable if isinstance(change, CreateKeyspace)]
    lints = _lints_by_change(findings, {id(change) for change in runnable})
    step_lint_ids = {id(lint) for step_lints in lints.values() for lint in step_lints}
    diagnostics = [finding.diagnostic for finding in findings]
    return attrs.evolve(
        base,
        bootstrap=_steps(keyspace_changes, lints, server, 1 - len(keyspace_changes)),
        steps=_steps([change for change in runnable if not isinstance(change, CreateKeyspace)], lints, server, 1),
        refusals=tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"),
        notes=tuple(
            diagnostic
            for diagnostic in diagnostics
            if diagnostic.severity != "error" and id(diagnostic) not in step_lint_ids
        ),
    )


def _lints_by_change(findings: Iterable[Finding], change_ids: set[int]) -> dict[int, list[Diagnostic]]:
    lints: dict[int, list[Diagnostic]] = {}
    for finding in findings:
        if finding.change is not None and id(finding.change) in change_ids:
            lints.setdefault(id(finding.change), []).append(finding.diagnostic)
    return lints


def _steps(
    changes: Iterable[Change], lints: dict[int, list[Diagnostic]], server: ServerProfile, start: int
) -> tuple[Step, ...]:
    return tuple(make_step(seq, c, lints.get(id(c), ()), server) for seq, c in enumerate(changes, start))
