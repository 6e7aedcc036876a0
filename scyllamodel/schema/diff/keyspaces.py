"""Compare the keyspace: it is created on request if missing; an existing one is compared by meaning, never altered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes.kinds import Change, CreateKeyspace, KeyspaceMismatch
from scyllamodel.schema.compare.replication import replication_matches
from scyllamodel.schema.facts.objects import Keyspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.schema_pair import SchemaPair


def diff_keyspace(pair: SchemaPair, *, create: bool) -> Iterator[Change]:
    """A missing keyspace if it is to be created, or the mismatch of an existing one."""
    live, desired = pair.live.keyspace, pair.desired.keyspace
    if live is None:
        if create:
            yield CreateKeyspace(desired or Keyspace(pair.name))
    elif desired is not None and not _keyspace_matches(live, desired):
        yield KeyspaceMismatch(live, desired)


def _keyspace_matches(live: Keyspace, desired: Keyspace) -> bool:
    return (
        live.durable_writes == desired.durable_writes
        and (desired.tablets is None or bool(live.tablets) == desired.tablets)
        and (desired.replication is None or replication_matches(live.replication or {}, desired.replication))
    )
