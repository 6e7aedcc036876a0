"""Explains refusals of a primary key by the ledger: older models do not know a key column that a newer release renamed.

*In*: a plan with refusals, and the ledger. *Out*: the plan, with the version that renamed the column.
"""

from __future__ import annotations

import attrs

from scyllamodel.release.ledger import Ledger
from scyllamodel.schema.changes.kinds import RenameKeyColumns
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan


def with_renames(plan: Plan, ledger: Ledger) -> Plan:
    """Add the version that renamed a key column to each refusal that may come from it.

    The ledger is read only where a primary key is refused.

    Raises:
        LedgerError: the history could not be read.
    """
    if not any(refusal.code.startswith("PK") for refusal in plan.refusals):
        return plan
    renames = _renames(ledger)
    return attrs.evolve(plan, refusals=tuple(_with_rename(refusal, renames) for refusal in plan.refusals))


def _renames(ledger: Ledger) -> dict[str, str]:
    """Return the last rename of each table's key columns, as a sentence by dotted table name."""
    sentences: dict[str, str] = {}
    for version, change in ledger.changes():
        if isinstance(change, RenameKeyColumns):
            pairs = ", ".join(f"{old} to {new}" for old, new in change.names)
            sentences[f"{change.keyspace}.{change.table}"] = f"Version {version.version} renamed {pairs}."
    return sentences


def _with_rename(refusal: Diagnostic, renames: dict[str, str]) -> Diagnostic:
    sentence = renames.get(refusal.object)
    if sentence is None or not refusal.code.startswith("PK"):
        return refusal
    advice = f"{sentence} If these models are older than that version, deploy the newer release.\n"
    return attrs.evolve(refusal, fix=advice + refusal.fix)
