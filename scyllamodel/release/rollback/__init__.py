"""The way back: the schema of an earlier version, from the live one and the changes that the ledger holds."""

from scyllamodel.release.rollback.plan import rollback_plan
from scyllamodel.release.rollback.run import rollback, schema_of
from scyllamodel.release.rollback.target import Target, target_of

__all__ = ["Target", "rollback", "rollback_plan", "schema_of", "target_of"]
