"""The fast no-op: models that were seen in sync with the very schema that the cluster has now.

*In*: a draft that a full read proved, or the fingerprint of models. *Out*: a stamp, or whether there is one. Two reads
of one row each tell, whatever the number of models.
"""

from __future__ import annotations

import logging

from scyllamodel.driver.coordinator import presumed_coordinator
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.books import open_ledger, open_stamps
from scyllamodel.release.draft import Draft
from scyllamodel.release.tables import VERIFIED
from scyllamodel.schema.apply import StatementFailure

_log = logging.getLogger("scyllamodel")


def is_stamped(repo: Repo, models_fp: str) -> bool:
    """Whether nothing changed in the whole cluster since these models were seen in sync; any doubt is a no.

    Raises:
        ConnectionFailed: no server answers as it should.
    """
    coordinator = presumed_coordinator(repo.connection())
    return coordinator is not None and any(one.is_verified(models_fp) for one in open_stamps(repo, coordinator))


def stamp(draft: Draft) -> None:
    """Note that the models of this draft are in sync, if it says so and the schema stood still while it was read.

    A stamp saves time and proves nothing by itself, so whoever may not write it goes on without.
    """
    if (
        draft.wish.contracts
        or draft.version is None
        or draft.plan.steps
        or draft.plan.refusals
        or draft.books.table(VERIFIED.name) is None
    ):
        return
    ledger = open_ledger(draft.wish.repo, draft.look.coordinator, draft.books, draft.look.server)
    try:
        ledger.verify(draft.wish.models_fp, draft.version)
    except (StatementFailure, ScyllaModelError) as error:
        _log.debug("the stamp of %s was not written: %s", draft.wish.repo.keyspace, error)
