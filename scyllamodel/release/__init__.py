"""From a repo to a schema that matches its models: plan, lock, apply, record, roll back."""

from scyllamodel.release.byhand import baseline, resolve, unlock
from scyllamodel.release.contract import contract
from scyllamodel.release.every import migrate_all
from scyllamodel.release.keyspaces import create_keyspace
from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.migrate import migrate
from scyllamodel.release.questions import check, inspect, plan
from scyllamodel.release.raw import RawStep
from scyllamodel.release.resources import find_resources
from scyllamodel.release.results import CheckResult, KeyspaceResult, LockUse, MigrationResult
from scyllamodel.release.rollback import rollback
from scyllamodel.release.start import Mode, sync
from scyllamodel.release.status import LockHolder, Status, history, status

__all__ = [
    "CheckResult",
    "KeyspaceResult",
    "LedgerStep",
    "LockHolder",
    "LockUse",
    "Migration",
    "MigrationResult",
    "Mode",
    "RawStep",
    "Status",
    "baseline",
    "check",
    "contract",
    "create_keyspace",
    "find_resources",
    "history",
    "inspect",
    "migrate",
    "migrate_all",
    "plan",
    "resolve",
    "rollback",
    "status",
    "sync",
    "unlock",
]
