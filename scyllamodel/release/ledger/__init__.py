"""The ledger: the history of a scope, in tables of its own, with crash recovery.

Modules:
    bootstrap: creates the internal tables; any number of processes may do so at once.
    cql_store: the tables of the ledger, read and written as CQL through one node.
    crash_recovery: determines from the schema how the version of a crashed run ended; no I/O.
    effective_versions: selects the versions that led to the current schema, or to that of an earlier version.
    ledger: the ledger of one scope: reads versions, opens new ones, recovers crashed ones.
    provenance: who runs a migration: host, user, process, release of the application.
    record_bounds: bounds of ledger rows, since any user with access to the tables may write anything.
    recorder: records one version: each step before and after its statement, and the end.
    records: records of the ledger: versions and their steps.
    retry: retries requests to a store until their outcome is known.
    store: the storage that a ledger needs.
    superseded: checks whether other models superseded these, so that a sync must not restore anything.
    tables: the internal tables: definitions, and the steps that create them.
    undo_progress: tracks the undo statements of raw steps, which the schema does not show.
"""

from scyllamodel.release.ledger.ledger import Ledger
from scyllamodel.release.ledger.provenance import Provenance
from scyllamodel.release.ledger.recorder import VersionRecorder
from scyllamodel.release.ledger.records import LedgerStep, Migration, ledger_scope
from scyllamodel.release.ledger.store import LedgerStore

__all__ = ["Ledger", "LedgerStep", "LedgerStore", "Migration", "Provenance", "VersionRecorder", "ledger_scope"]
