"""Removes what no model declares, by name, under the lock and with an entry in the ledger.

*In*: a repo and what may be removed. *Out*: a `MigrationResult`. The last step of an expand/contract migration; a sync
never does it.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.engine.locked_run import Timeouts
from scyllamodel.release.engine.migration_run import MigrationRun
from scyllamodel.release.engine.planning import MigrationRequest, PlannedMigration
from scyllamodel.release.engine.results import MigrationResult
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
    """Drop live objects that no model declares, as far as ``allow`` names them; a second call does nothing.

    A rollback creates them again, without their rows.

    Parameters:
        allow: what may be dropped, such as ``{"DS103:orders.legacy"}``; `explain` lists the codes. A code without an
            object allows all objects of that kind: ``DS102`` every table of the keyspace that no model declares.

    The other parameters and errors are those of `migrate`. In addition:

    Raises:
        ConfigurationError: nothing is allowed, or a code is unknown.
        ImpossibleChange: something depends on what would be dropped.
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
