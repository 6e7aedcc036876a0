"""Marks models as in sync with a schema version, so that the next start costs two reads.

*In*: a plan from a full read, or a fingerprint. *Out*: a marker row, or whether there is one for the current schema
version.
"""

from __future__ import annotations

import logging

from scyllamodel.driver.cluster.coordinator import presumed_coordinator
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.engine.ledger_access import candidate_ledgers, open_ledger
from scyllamodel.release.engine.planning import PlannedMigration
from scyllamodel.release.ledger.tables import VERIFIED
from scyllamodel.schema.apply import StatementFailure

_log = logging.getLogger("scyllamodel")


def is_marked_in_sync(repo: Repo, models_fp: str) -> bool:
    """Whether the schema version is the one these models were marked with; False in any doubt.

    Raises:
        ConnectionFailed: no server can be used.
    """
    coordinator = presumed_coordinator(client_of(repo).connection())
    return coordinator is not None and any(
        ledger.is_verified(models_fp) for ledger in candidate_ledgers(repo, coordinator)
    )


def mark_in_sync(planned: PlannedMigration) -> None:
    """Mark the models in sync, if the plan is empty and the schema did not change during the read.

    A marker only saves time: a role that may not write it does without.
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
        _log.debug("the sync marker of %s was not written: %s", planned.request.repo.keyspace, error)
