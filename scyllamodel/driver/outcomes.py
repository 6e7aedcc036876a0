"""Classifies a failed statement, in one table: by the driver's class first, then by the server's message.

In: an exception of the driver, or the `RequestFailed` that a repo made of one. Out: a `StatementOutcome`. Servers
report important facts as prose, so their texts are matched here and nowhere else, case-insensitively and by substring.
A text without a rule is unknown, which costs a read of the schema and is never a wrong assumption. Texts: Scylla
``cql3/statements``, ``service/raft``; Cassandra ``cql3/statements``; and what real nodes of Cassandra 4.0, 4.1 and 5.0
and of ScyllaDB 2025.1 and 2026.3 answered: all their recorded texts are tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeAlias, cast

from scyllamodel._text import printable_line
from scyllamodel.driver._cassandra import (
    AlreadyExists,
    ConfigurationException,
    ConfigurationMessage,
    ConnectionBusy,
    ConnectionException,
    DriverException,
    ErrorMessage,
    InvalidRequest,
    IsBootstrapping,
    NoConnectionsAvailable,
    NoHostAvailable,
    Overloaded,
    ProtocolError,
    ServerError,
    SyntaxException,
    Unauthorized,
    Unavailable,
)
from scyllamodel.errors import RequestFailed, ScyllaModelError

DRIVER_ERRORS: Final = (DriverException, NoHostAvailable, ConnectionException, ConnectionBusy, ErrorMessage)
"""All errors that a request to a pinned node raises."""

REQUEST_ERRORS: Final = (*DRIVER_ERRORS, NoConnectionsAvailable, ProtocolError, OSError)
"""All errors of the driver for a well-formed request."""


def is_driver_error(error: BaseException) -> bool:
    """Whether an error is the driver's; some of `scyllamodel.errors` are an `OSError` too."""
    return isinstance(error, REQUEST_ERRORS) and not isinstance(error, ScyllaModelError)


class StatementOutcome(Enum):
    """The outcome of a statement that did not simply succeed."""

    UNKNOWN = "unknown"
    """It may have been applied, or may be applied later."""

    CONFLICT = "conflict"
    """The server says that the object exists already; introspection shows which one."""

    MISSING = "missing"
    """Not applied: an object it needs is gone, never existed, or was created through another node a moment ago."""

    TRANSIENT = "transient"
    """Not applied, and can be sent again."""

    REFUSED = "refused"
    """Not applied, and never will be."""


_Rule: TypeAlias = tuple[type[Exception] | tuple[type[Exception], ...], str, StatementOutcome]

_C, _M, _T, _R = (
    StatementOutcome.CONFLICT,
    StatementOutcome.MISSING,
    StatementOutcome.TRANSIENT,
    StatementOutcome.REFUSED,
)
# A bad option value arrives as the protocol's own class, which the driver forgets to translate (seen on 3.29.12).
_INVALID_REQUESTS: Final = (InvalidRequest, ConfigurationException, ConfigurationMessage)

_CONFLICT_TEXTS: Final = (
    "already exist",
    "conflicts with an existing column",
    "conflicts with a primary key part",
    "is a duplicate of existing index",
    "more than one storage-attached index on the same column",
    # Cassandra: another coordinator created the table at the same time, with another id or another column type.
    "id mismatch",
    "column mismatch",
)

_MISSING_TEXTS: Final = (
    "doesn't exist",
    "does not exist",
    "no user type named",
    "non existing",
    "non-existent keyspace",
    "can't find a keyspace",
    "in unknown keyspace",
    "could not be found in any of the tables",
    "unconfigured table",
    "was not found in table",
    "not found in keyspace",
    "undefined column name",
    "unknown type",
    "unknown identifier",
    "unknown field",
    "unrecognized name",
    "cannot rename unknown column",
)
"""Errors that depend on the node asked, just after a change through another one (seen on both engines)."""

_REFUSED_TEXTS: Final = (
    # ScyllaDB: the value of a property cannot be parsed. All seen; nothing was applied.
    "sstring out of range",
    "to speculative_retry",
    "cannot create cdc info from string",
    "cannot create tombstone_gc_extension info from string",
    "unable to find class",
    "unknown sstable_compression",
    "parsing json failed",
    'message="stoi"',
    "cannot remove: column",
    "the protocol extension tablets-routing-v2 requires",
    # Cassandra: as an exception of Java.
    "illegalargumentexception: no enum constant",
    "illegalargumentexception: multiple entries with same key",
)
"""Refusals reported as ServerError, which the driver's retry policy resends to every node."""

RULES: Final[tuple[_Rule, ...]] = (
    (AlreadyExists, "", _C),
    ((Overloaded, IsBootstrapping, Unavailable, ConnectionBusy, NoConnectionsAvailable), "", _T),
    # Scylla retried ten times and gave up before anything was committed.
    (ErrorMessage, "failed to apply group 0 change due to concurrent modification", _T),
    # One change of replication or topology at a time: not started.
    ((*_INVALID_REQUESTS, ServerError), "ongoing, please retry", _T),
    # ScyllaDB: a column with a CDC log is added again within 5 seconds of its drop.
    (_INVALID_REQUESTS, "dropped too recently. please retry", _T),
    # ScyllaDB: after 60 seconds without a majority, before the change was proposed.
    (ServerError, "[read_barrier] timed out, there is no raft quorum", _R),
    (_INVALID_REQUESTS, "role  doesn't exist", _R),
    *((_INVALID_REQUESTS, text, _C) for text in _CONFLICT_TEXTS),
    *(((*_INVALID_REQUESTS, ServerError), text, _M) for text in _MISSING_TEXTS),
    *((ServerError, text, _R) for text in _REFUSED_TEXTS),
    ((*_INVALID_REQUESTS, SyntaxException, Unauthorized), "", _R),
)
"""Class, text (empty: any), outcome; the first rule that matches decides."""

NOT_SENT_TEXTS: Final = ("host has been marked down or removed", "pool is shutdown")
"""The driver's messages, as ``ConnectionException``, for a host without a connection."""


def classify(error: BaseException) -> StatementOutcome:
    """Classify the error of a statement.

    >>> classify(TimeoutError("no answer"))
    <StatementOutcome.UNKNOWN: 'unknown'>
    """
    if isinstance(error, RequestFailed) and error.__cause__ is not None:
        return classify(error.__cause__)
    if isinstance(error, NoHostAvailable):
        outcomes = host_outcomes(getattr(error, "errors", None))
        return outcomes.pop() if len(outcomes) == 1 else StatementOutcome.UNKNOWN
    text = str(error).lower()
    return next(
        (outcome for classes, message_part, outcome in RULES if isinstance(error, classes) and message_part in text),
        StatementOutcome.UNKNOWN,
    )


def host_outcomes(errors: Any) -> set[StatementOutcome]:
    """Classify each host's error: a pinned statement that found no connection was never sent."""
    outcomes = set[StatementOutcome]()
    if isinstance(errors, Mapping):
        for error in cast("Mapping[Any, Exception]", errors).values():
            unsent = isinstance(error, ConnectionException) and any(
                message_part in str(error).lower() for message_part in NOT_SENT_TEXTS
            )
            outcomes.add(StatementOutcome.TRANSIENT if unsent else classify(error))
    return outcomes


def is_node_failure(error: BaseException) -> bool:
    """Whether an error concerns the node or the path to it, and not the statement."""
    return isinstance(error, (NoHostAvailable, ConnectionException, ConnectionBusy, IsBootstrapping))


def server_message(error: BaseException) -> str:
    """Return the server's message on one line, without the driver's wrapping where that can be removed."""
    return printable_line(str(getattr(error, "message", None) or error))
