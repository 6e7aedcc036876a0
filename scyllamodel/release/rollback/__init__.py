"""Rolls back to the schema of an earlier version, by the changes that the ledger records."""

from scyllamodel.release.rollback.plan import rollback_plan
from scyllamodel.release.rollback.run import rollback, schema_of_version
from scyllamodel.release.rollback.target import RollbackTarget, find_target

__all__ = ["RollbackTarget", "find_target", "rollback", "rollback_plan", "schema_of_version"]
