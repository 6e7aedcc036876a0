"""The history of a scope: what was changed, by whom, with which result, and how to undo it."""

from scyllamodel.release.ledger.book import Ledger
from scyllamodel.release.ledger.open_version import VersionRecorder
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import LedgerStep, Migration, ledger_scope
from scyllamodel.release.ledger.who import Provenance

__all__ = ["Ledger", "LedgerStep", "LedgerStore", "Migration", "Provenance", "VersionRecorder", "ledger_scope"]
