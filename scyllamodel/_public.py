"""The public `Model`: the class of the model layer with the methods of the release layer.

It is on a floor above both, so that models know no server and nothing imports in circles.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from scyllamodel.model.base import Model as BareModel

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from scyllamodel.driver.async_repo import AsyncRepo
    from scyllamodel.driver.repo import Repo
    from scyllamodel.release.engine.results import MigrationResult
    from scyllamodel.release.sync import Mode, SyncOptions
    from scyllamodel.schema.apply import OnEvent


class Model(BareModel, abstract=True):
    __doc__ = BareModel.__doc__

    @classmethod
    def sync_all(
        cls,
        repo: Repo,
        *,
        mode: Mode | None = None,
        resources: Iterable[type[Any] | str] | None = None,
        create_keyspace: bool | None = None,
        lock_timeout: float = 60.0,
        agreement_timeout: float = 120.0,
        step_timeout: float = 120.0,
        wait_built: bool = False,
        on_event: OnEvent | None = None,
    ) -> MigrationResult:
        """Bring the schema up to the models of a repo; for the start of an application, in every replica.

        Called on ``Model`` it takes all models of the repo; called on a subclass, that class and its subclasses, with
        the types, views and indexes that they need. One replica changes the schema, the others wait and find it done;
        if nothing changed since the last start, it costs two reads.

        Parameters:
            mode: ``"apply"``; ``"verify"`` changes nothing and raises what is missing; ``"wait"`` polls until another
                process has done it; ``"off"``. None is SCYLLAMODEL_SYNC, or ``"apply"`` if that is unset.

        The other parameters are those of `migrate`. In addition to the errors of `migrate`:

        Raises:
            SupersededModels: later models, or a rollback, replaced these, and something that they need is missing.
            OutOfSync: something is missing, and ``mode`` is not ``"apply"``.
        """
        from scyllamodel.release.sync import sync  # noqa: PLC0415 - only a sync loads driver and planner

        return sync(
            repo,
            mode=mode,
            resources=[cls] if resources is None and cls is not Model else resources,
            create_keyspace=create_keyspace,
            lock_timeout=lock_timeout,
            agreement_timeout=agreement_timeout,
            step_timeout=step_timeout,
            wait_built=wait_built,
            on_event=on_event,
        )

    @classmethod
    async def sync_all_async(cls, repo: Repo | AsyncRepo, **keywords: Unpack[SyncOptions]) -> MigrationResult:
        """Run `sync_all` in a thread, without blocking the event loop."""
        from scyllamodel.release.aio import to_async  # noqa: PLC0415 - loaded with the first sync

        return await to_async(cls.sync_all)(repo, **keywords)
