"""The fast no-op: models that were seen in sync with the very schema that the cluster has now.

*In*: a draft that a full read proved, or the fingerprint of models. *Out*: a stamp, or whether there is one. Two reads
of one row each tell, whatever the number of models.
"""

from __future__ import annotations

import logging

from scyllamodel.driver.coordinator import presumed_coordinator
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.books import candidate_ledgers, open_ledger
from scyllamodel.release.draft import PlannedMigration
from scyllamodel.release.tables import VERIFIED
from scyllamodel.schema.apply import StatementFailure

_log = logging.getLogger("scyllamodel")


def is_marked_in_sync(repo: Repo, models_fp: str) -> bool:
    """Whether nothing changed in the whole cluster since these models were seen in sync; any doubt is a no.

    Raises:
        ConnectionFailed: no server answers as it should.
    """
    coordinator = presumed_coordinator(repo.connection())
    return coordinator is not None and any(
        ledger.is_verified(models_fp) for ledger in candidate_ledgers(repo, coordinator)
    )


def mark_in_sync(planned: PlannedMigration) -> None:
    """Note that the models of this draft are in sync, if it says so and the schema stood still while it was read.

    A stamp saves time and proves nothing by itself, so whoever may not write it goes on without.
    """
    if (
        planned.request.is_contract
        or planned.schema_version is None
        or planned.plan.steps
        or planned.plan.refusals
        or planned.internal_facts.table(VERIFIED.name) is None
    ):
        return
    ledger = open_ledger(
        planned.request.repo, planned.cluster.coordinator, planned.internal_facts, planned.cluster.server
    )
    try:
        ledger.mark_verified(planned.request.models_fp, planned.schema_version)
    except (StatementFailure, ScyllaModelError) as error:
        _log.debug("the stamp of %s was not written: %s", planned.request.repo.keyspace, error)
