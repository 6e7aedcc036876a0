"""The way back: the schema of an earlier version, from the live one and the changes that the ledger holds."""

from scyllamodel.release.rollback.plan import rollback_plan
from scyllamodel.release.rollback.run import rollback, schema_of_version
from scyllamodel.release.rollback.target import RollbackTarget, find_target

__all__ = ["RollbackTarget", "find_target", "rollback", "rollback_plan", "schema_of_version"]
