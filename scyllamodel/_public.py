"""`Model` as users see it: the model layer's class with the verbs of the release layer.

It stands floors above both, so that models know no server and nothing imports in circles.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from scyllamodel.model.base import Model as BareModel

if TYPE_CHECKING:
    from scyllamodel.driver.repo import Repo
    from scyllamodel.release import MigrationResult
    from scyllamodel.schema.apply import OnEvent


class Model(BareModel, abstract=True):
    __doc__ = BareModel.__doc__

    @classmethod
    def sync_all(
        cls,
        repo: Repo,
        *,
        resources: Iterable[type[Any] | str] | None = None,
        create_keyspace: bool | None = None,
        agreement_timeout: float = 120.0,
        step_timeout: float = 120.0,
        on_event: OnEvent | None = None,
    ) -> MigrationResult:
        """Bring the schema up to the models of a repo; for the start of an application, in every replica.

        Called on ``Model`` it takes all models of the repo, called on a subclass that class and its subclasses, with
        the types, views and indexes that they need. Parameters and errors are those of `migrate`.
        """
        from scyllamodel.release import migrate  # noqa: PLC0415 - the first sync loads driver and planner, no class does

        if resources is None and cls is not Model:
            resources = [cls]
        return migrate(
            repo,
            resources=resources,
            create_keyspace=create_keyspace,
            agreement_timeout=agreement_timeout,
            step_timeout=step_timeout,
            on_event=on_event,
        )
