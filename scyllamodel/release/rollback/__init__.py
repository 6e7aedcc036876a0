"""The way back: versions of the ledger undone from their stored inverses."""

from scyllamodel.release.rollback.plan import rollback_plan
from scyllamodel.release.rollback.run import rollback, schema_of
from scyllamodel.release.rollback.target import Target, target_of

__all__ = ["Target", "rollback", "rollback_plan", "schema_of", "target_of"]
