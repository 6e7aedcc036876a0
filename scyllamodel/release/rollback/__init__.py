"""Rollback to an earlier version, from the live schema and the changes in the ledger.

Modules:
    plan: plans a rollback from the rewound history and the live schema; no I/O.
    raw_undo: undo statements of raw steps: from the code, or from the ledger if allowed by name and digest.
    rewind: rewinds the schema through the recorded changes, with stops at raw steps to undo.
    run: rolls a keyspace back: plans, and under the lock plans again and executes.
    target: finds the target of a rollback and the versions to undo.
"""

from scyllamodel.release.rollback.plan import rollback_plan
from scyllamodel.release.rollback.run import rollback, schema_of_version
from scyllamodel.release.rollback.target import RollbackTarget, find_target

__all__ = ["RollbackTarget", "find_target", "rollback", "rollback_plan", "schema_of_version"]
