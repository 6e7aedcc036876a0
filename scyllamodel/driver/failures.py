"""What a failed statement means, decided in one table: by the driver's class first, then by the server's words.

*In*: an exception of the driver, or the `RequestFailed` that a repo made of one. *Out*: a `Meaning`. Servers say the
important things in prose, so text is matched here and nowhere else, case-insensitively and by substring; what no row
fits is unknown, which costs a look at the schema and never a wrong belief. Texts: Scylla ``cql3/statements``,
``service/raft``; Cassandra ``cql3/statements``; and what real nodes of Cassandra 4.0, 4.1 and 5.0 answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias, cast

from scyllamodel.driver.names import (
    AlreadyExists,
    ConfigurationException,
    ConfigurationMessage,
    ConnectionBusy,
    ConnectionException,
    ErrorMessage,
    InvalidRequest,
    IsBootstrapping,
    NoConnectionsAvailable,
    NoHostAvailable,
    Overloaded,
    ServerError,
    SyntaxException,
    Unauthorized,
    Unavailable,
)
from scyllamodel.errors import RequestFailed


class Meaning(Enum):
    """What became of a statement that did not simply succeed."""

    UNKNOWN = "unknown"
    """It may have been applied, or may be applied yet."""

    CONFLICT = "conflict"
    """The server says that the thing is there already, or gone: another look tells who did it."""

    TRANSIENT = "transient"
    """It was not applied, and can be sent again."""

    REFUSED = "refused"
    """It was not applied, and will not be."""


_Row: TypeAlias = tuple[type[Exception] | tuple[type[Exception], ...], str, Meaning]

_U, _C, _T, _R = Meaning.UNKNOWN, Meaning.CONFLICT, Meaning.TRANSIENT, Meaning.REFUSED
# A bad option value arrives as the protocol's own class, which the driver forgets to translate (seen on 3.29.12).
_ANSWERS: Final = (InvalidRequest, ConfigurationException, ConfigurationMessage)

TABLE: Final[tuple[_Row, ...]] = (
    (AlreadyExists, "", _C),
    ((Overloaded, IsBootstrapping, Unavailable, ConnectionBusy, NoConnectionsAvailable), "", _T),
    # Scylla retried ten times by itself and gave up before anything was committed.
    (ErrorMessage, "failed to apply group 0 change due to concurrent modification", _T),
    # One change of replication, or of the topology, at a time: not begun.
    ((*_ANSWERS, ServerError), "ongoing, please retry", _T),
    (_ANSWERS, "already exist", _C),
    (_ANSWERS, "conflicts with an existing column", _C),
    (_ANSWERS, "conflicts with a primary key part", _C),
    (_ANSWERS, "is a duplicate of existing index", _C),
    (_ANSWERS, "more than one storage-attached index on the same column", _C),
    # Cassandra: another coordinator made the table at the same time, with another id or another column type.
    (_ANSWERS, "id mismatch", _C),
    (_ANSWERS, "column mismatch", _C),
    # The thing to change or drop is gone, or not there yet.
    (_ANSWERS, "doesn't exist", _C),
    (_ANSWERS, "does not exist", _C),
    (_ANSWERS, "no user type named", _C),
    (_ANSWERS, "non existing", _C),
    (_ANSWERS, "could not be found in any of the tables", _C),
    (_ANSWERS, "unconfigured table", _C),
    (_ANSWERS, "was not found in table", _C),
    (_ANSWERS, "undefined column name", _C),
    ((*_ANSWERS, SyntaxException, Unauthorized), "", _R),
)
"""Class, words (none: any), meaning; the first row that fits decides."""

NEVER_SENT: Final = ("host has been marked down or removed", "pool is shutdown")
"""What the driver answers, as ``ConnectionException``, for a host that it has no connection to."""


def meaning(error: BaseException) -> Meaning:
    """What became of the statement that raised this.

    >>> meaning(TimeoutError("who knows"))
    <Meaning.UNKNOWN: 'unknown'>
    """
    if isinstance(error, RequestFailed) and error.__cause__ is not None:
        return meaning(error.__cause__)
    if isinstance(error, NoHostAvailable):
        inner = set(_inner(error))
        return Meaning.TRANSIENT if inner == {Meaning.TRANSIENT} else Meaning.UNKNOWN
    text = str(error).lower()
    return next(
        (found for classes, words, found in TABLE if isinstance(error, classes) and words in text), Meaning.UNKNOWN
    )


def _inner(error: BaseException) -> Iterator[Meaning]:
    """The meaning of each host's error: a pinned statement that found no connection was never sent."""
    errors: Any = getattr(error, "errors", None)
    if isinstance(errors, Mapping):
        for found in cast("Mapping[Any, Exception]", errors).values():
            unsent = isinstance(found, ConnectionException) and any(words in str(found).lower() for words in NEVER_SENT)
            yield Meaning.TRANSIENT if unsent else meaning(found)


def lost_node(error: BaseException) -> bool:
    """Whether the error speaks of the node or the way to it rather than of the statement."""
    return isinstance(error, (NoHostAvailable, ConnectionException, ConnectionBusy, IsBootstrapping))
