"""From a repo to a schema in step with its models: look, plan, apply, and what came of it."""

from scyllamodel.release.keyspaces import create_keyspace
from scyllamodel.release.resources import find_resources
from scyllamodel.release.results import CheckResult, KeyspaceResult, MigrationResult
from scyllamodel.release.sync import check, inspect, migrate, migrate_all, plan

__all__ = [
    "CheckResult",
    "KeyspaceResult",
    "MigrationResult",
    "check",
    "create_keyspace",
    "find_resources",
    "inspect",
    "migrate",
    "migrate_all",
    "plan",
]
