"""Removing what no model declares any more: on purpose, named thing by named thing, under the lock and in the ledger.

*In*: a repo, and what may go. *Out*: a `MigrationResult`. It is the last step of an expand and contract course, and a
sync never does it.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.draft import MigrationRequest, PlannedMigration
from scyllamodel.release.guard import Timeouts
from scyllamodel.release.migrate import MigrationRun
from scyllamodel.release.results import MigrationResult
from scyllamodel.schema.apply import OnEvent


def contract(
    repo: Repo,
    *,
    allow: str | Collection[str],
    dry_run: bool = False,
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Drop what is live and declared by no model, as far as ``allow`` names it; a second call does nothing.

    A rollback makes it again, without its rows.

    Parameters:
        allow: what may go, such as ``{"DS103:orders.legacy"}``; `explain` tells the codes. A code without an object
            means all of that kind, ``DS102`` every table of the keyspace that no model declares.

    The other parameters and errors are those of `migrate`. Also

    Raises:
        ConfigurationError: nothing is allowed, so nothing could be removed; or a code is unknown.
        ImpossibleChange: something depends on what would go.
    """
    if not allow:
        raise ConfigurationError(
            'contract() removes what allow= names and nothing else. Write allow={"DS103:orders.legacy"}; '
            "check(repo).notes lists what no model declares.",
            setting="allow",
        )
    request = attrs.evolve(
        MigrationRequest.from_arguments(repo, None, create_keyspace=False, allow=allow), is_contract=True
    )
    run = MigrationRun(Timeouts(lock_timeout, agreement_timeout, step_timeout), on_event)
    return run.perform(PlannedMigration.from_request(request), dry_run=dry_run)
