"""What a request that failed means to its caller: an error of the driver as one of `scyllamodel.errors`.

*In*: what the driver raised, and the statement. *Out*: a `RequestFailed` with the driver's error as its cause, or the
error itself where it is not of the driver. Verbs of repos raise nothing else for a request; release work reads the
driver's errors with `scyllamodel.driver.failures` instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from scyllamodel.driver.failures import Meaning, meaning, meanings_by_host, server_words
from scyllamodel.driver.names import (
    AuthenticationFailed,
    ConnectionBusy,
    ConnectionException,
    DriverException,
    ErrorMessage,
    NoConnectionsAvailable,
    NoHostAvailable,
    OperationTimedOut,
    ProtocolError,
    RateLimitReached,
    ServerTimeout,
    Unauthorized,
)
from scyllamodel.errors import (
    PermissionDenied,
    RequestFailed,
    RequestRefused,
    RequestTimeout,
    ScyllaModelError,
    ServiceUnavailable,
    TypeMismatch,
)
from scyllamodel.query.statement import Shape
from scyllamodel.types.display import without_frames
from scyllamodel.types.values import CqlType, VectorType, walk

REQUEST_ERRORS: Final = (
    DriverException,
    NoHostAvailable,
    NoConnectionsAvailable,
    ConnectionException,
    ConnectionBusy,
    ProtocolError,
    ErrorMessage,
    OSError,
)
"""All that the driver raises for a request that was well formed."""

_LATER: Final = "Nothing was changed; send it again later."
_AGAIN: Final = "It may have been applied, or may be yet; it is safe to send again."
_ONCE: Final = "It may have been applied, or may be yet: read the row before you send it again."


def is_raw(error: BaseException) -> bool:
    """Whether an error is the driver's; some of `scyllamodel.errors` are an `OSError` too."""
    return isinstance(error, REQUEST_ERRORS) and not isinstance(error, ScyllaModelError)


def note_attempts(error: BaseException, future: Any) -> None:
    """Take note on an error of the driver that an earlier attempt of its request may be applied.

    The driver sends a request again, once, after some errors, such as a connection that broke. What it raises is the
    error of the last attempt, which may say that nothing was done.

    Parameters:
        future: the driver's, of the request that failed.
    """
    attempts: Mapping[Any, Exception] = future._errors  # noqa: SLF001 - a deprecated property would read the same
    if attempts and is_raw(error):
        # The error is of the last attempt, and an earlier one at the same host may have left its own in this place; or
        # there was no host left to try, and then it is of all attempts.
        last = None if isinstance(error, NoHostAvailable) else future._current_host  # noqa: SLF001
        earlier = {host: found for host, found in attempts.items() if host != last}
        again = future._query_retries > len(earlier)  # noqa: SLF001 - there is no other count
        if again or Meaning.UNKNOWN in meanings_by_host(earlier):
            error.may_be_applied_before = True  # type: ignore[attr-defined]


def request_error(error: Exception, shape: Shape[Any] | None, *, sent: bool = True) -> Exception:
    """The error to raise for a request that failed; errors that are not the driver's are returned as they are.

    Parameters:
        shape: of the statement; None when only its text is known.
        sent: whether it was sent to be executed, rather than to be prepared.
    """
    if not is_raw(error):
        return error
    if (mismatch := _empty_in_vector(error, shape)) is not None:
        return mismatch
    cls = _class_of(error)
    wrote = sent and shape is not None and shape.verb != "select"
    unknown = wrote and (
        getattr(error, "may_be_applied_before", False)
        or (meaning(error) is Meaning.UNKNOWN and not issubclass(cls, RequestRefused))
    )
    made = cls(
        f"{_what(shape)} {_OUTCOME[cls]}: {_words(error)}. {_advice(cls, error, shape, unknown=unknown)}".rstrip(),
        may_be_applied=unknown,
    )
    made.__cause__ = without_frames(error)  # the driver answers all requests of a connection that broke with one object
    return made


_EMPTY_IN_VECTOR: Final = "null/unset is not supported inside vectors"
"""What ScyllaDB 2026.3 says of a bound vector that holds an empty text or blob; it takes the same in a literal."""


def _empty_in_vector(error: Exception, shape: Shape[Any] | None) -> TypeMismatch | None:
    """The error for a vector that the server refused, by the names of what was bound."""
    if shape is None or _EMPTY_IN_VECTOR not in server_words(error):
        return None
    names = [found.name for found in shape.markers if found.type is not None and _holds_vector(found.type)]
    listed = ", ".join(dict.fromkeys(names)) or "a vector"
    made = TypeMismatch(
        f"{listed}: this server stores no empty text or blob inside a vector. Leave such elements out of it.",
        column=names[0] if names else "",
    )
    made.__cause__ = without_frames(error)
    return made


def _holds_vector(cql_type: CqlType) -> bool:
    return any(isinstance(part, VectorType) for part in walk(cql_type))


_OUTCOME: Final[Mapping[type[RequestFailed], str]] = {
    RequestFailed: "failed",
    RequestTimeout: "got no answer in time",
    ServiceUnavailable: "could not be served",
    RequestRefused: "was refused by the server",
    PermissionDenied: "is not permitted to this role",
}


def _class_of(error: BaseException) -> type[RequestFailed]:
    found = meaning(error)
    if isinstance(error, (Unauthorized, AuthenticationFailed)):
        return PermissionDenied
    if isinstance(error, (OperationTimedOut, ServerTimeout, TimeoutError)):
        return RequestTimeout
    if isinstance(error, NoHostAvailable):
        return _of_all_hosts(error)
    lost = isinstance(error, (ConnectionException, ConnectionBusy, OSError, RateLimitReached))
    if lost or found is Meaning.TRANSIENT:
        return ServiceUnavailable
    return RequestRefused if found in (Meaning.REFUSED, Meaning.CONFLICT, Meaning.MISSING) else RequestFailed


def _of_all_hosts(error: Exception) -> type[RequestFailed]:
    """No host served it; a value that no host could be sent is not the cluster's fault."""
    found = {_class_of(one) if isinstance(one, REQUEST_ERRORS) else RequestFailed for one in _errors_of(error)}
    return found.pop() if len(found) == 1 else ServiceUnavailable


def _errors_of(error: Exception) -> Iterator[BaseException]:
    errors: Any = getattr(error, "errors", None)
    if isinstance(errors, Mapping):
        yield from cast("Mapping[Any, BaseException]", errors).values()


def _what(shape: Shape[Any] | None) -> str:
    if shape is None:
        return "A statement"
    name = getattr(shape.model, "__qualname__", None)
    article = "An" if shape.verb[0] in "aeiou" else "A"
    return f"{article} {shape.verb} of {name}" if name else f"{article} {shape.verb}"


def _words(error: Exception) -> str:
    """The class of an error, and what the server said."""
    return f"{type(error).__name__}: {server_words(error)}".rstrip(". ")


def _advice(cls: type[RequestFailed], error: Exception, shape: Shape[Any] | None, *, unknown: bool) -> str:
    if unknown:
        return _AGAIN if shape is not None and shape.idempotent else _ONCE
    if cls in (RequestTimeout, ServiceUnavailable):
        return _LATER
    if cls is PermissionDenied:
        return "Grant it to the role, or connect as another one."
    if cls is RequestRefused and shape is not None and shape.model is not None and meaning(error) is Meaning.MISSING:
        return "Is the migration of these models applied to this keyspace? See `scyllamodel status`."
    return ""
