"""The history of a scope: what was changed, by whom, what became of it, and how to take it back."""

from scyllamodel.release.ledger.book import Ledger
from scyllamodel.release.ledger.open_version import OpenVersion
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import LedgerStep, Migration, scope_of
from scyllamodel.release.ledger.who import Who

__all__ = ["Ledger", "LedgerStep", "LedgerStore", "Migration", "OpenVersion", "Who", "scope_of"]
