"""Translates the driver's error for a request into one of `scyllamodel.errors`.

In: the driver's error, and the statement. Out: a `RequestFailed` with the driver's error as its cause; other errors
unchanged. The methods of repos raise nothing else for a request; release work classifies the driver's errors with
`scyllamodel.driver.outcomes` instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from scyllamodel.driver._cassandra import (
    AuthenticationFailed,
    ConnectionBusy,
    ConnectionException,
    NoHostAvailable,
    OperationTimedOut,
    RateLimitReached,
    ServerTimeout,
    Unauthorized,
)
from scyllamodel.driver.outcomes import (
    REQUEST_ERRORS,
    StatementOutcome,
    classify,
    host_outcomes,
    is_driver_error,
    server_message,
)
from scyllamodel.errors import (
    PermissionDenied,
    RequestFailed,
    RequestRefused,
    RequestTimeout,
    ServiceUnavailable,
    TypeMismatch,
)
from scyllamodel.query.statement import StatementTemplate
from scyllamodel.types.cql_types import CqlType, VectorType, walk
from scyllamodel.types.display import without_frames

_RETRY_LATER_ADVICE: Final = "Nothing was changed; send it again later."
_IDEMPOTENT_ADVICE: Final = "It may have been applied, or may be applied later; it is safe to send again."
_READ_FIRST_ADVICE: Final = "It may have been applied, or may be applied later: read the row before you send it again."


def record_attempts(error: BaseException, future: Any) -> None:
    """Record on a driver error that an earlier attempt of the request may be applied.

    The driver sends a request again, once, after some errors, such as a broken connection. It raises the error of the
    last attempt, which may say that nothing was done.

    Parameters:
        future: the driver's, of the failed request.
    """
    attempts: Mapping[Any, Exception] = future._errors  # noqa: SLF001 - a deprecated property reads the same attribute
    if attempts and is_driver_error(error):
        # The error is that of the last attempt, and an earlier one at the same host may have recorded its own here; or
        # there was no host left to try, and then it covers all attempts.
        last = None if isinstance(error, NoHostAvailable) else future._current_host  # noqa: SLF001
        earlier = {host: attempt_error for host, attempt_error in attempts.items() if host != last}
        again = future._query_retries > len(earlier)  # noqa: SLF001 - there is no other count
        if again or StatementOutcome.UNKNOWN in host_outcomes(earlier):
            error.may_be_applied_before = True  # type: ignore[attr-defined]


def request_error(error: Exception, template: StatementTemplate[Any] | None, *, is_execution: bool = True) -> Exception:
    """Return the error to raise for a failed request; errors of other origin are returned unchanged.

    Parameters:
        template: of the statement; None when only its text is known.
        is_execution: whether it was sent for execution, and not for preparation.
    """
    if not is_driver_error(error):
        return error
    if (mismatch := _empty_in_vector_error(error, template)) is not None:
        return mismatch
    cls = _error_class(error)
    is_write = is_execution and template is not None and template.verb != "select"
    is_unknown = is_write and (
        getattr(error, "may_be_applied_before", False)
        or (classify(error) is StatementOutcome.UNKNOWN and not issubclass(cls, RequestRefused))
    )
    failure = cls(
        f"{_describe(template)} {_DESCRIPTIONS[cls]}: {_driver_message(error)}. "
        f"{_advice(cls, error, template, is_unknown=is_unknown)}".rstrip(),
        may_be_applied=is_unknown,
    )
    # The driver raises one error object for all requests of a broken connection.
    failure.__cause__ = without_frames(error)
    return failure


_EMPTY_IN_VECTOR_TEXT: Final = "null/unset is not supported inside vectors"
"""ScyllaDB 2026.3's refusal of a bound vector that holds an empty text or blob; as a literal it is accepted."""


def _empty_in_vector_error(error: Exception, template: StatementTemplate[Any] | None) -> TypeMismatch | None:
    """Return the error for a vector that the server refused, naming the bound markers."""
    if template is None or _EMPTY_IN_VECTOR_TEXT not in server_message(error):
        return None
    names = [marker.name for marker in template.markers if marker.type is not None and _holds_vector(marker.type)]
    name_list = ", ".join(dict.fromkeys(names)) or "a vector"
    mismatch = TypeMismatch(
        f"{name_list}: this server cannot store an empty text or blob inside a vector. Leave such elements out.",
        column=names[0] if names else "",
    )
    mismatch.__cause__ = without_frames(error)
    return mismatch


def _holds_vector(cql_type: CqlType) -> bool:
    return any(isinstance(part, VectorType) for part in walk(cql_type))


_DESCRIPTIONS: Final[Mapping[type[RequestFailed], str]] = {
    RequestFailed: "failed",
    RequestTimeout: "got no answer in time",
    ServiceUnavailable: "could not be served",
    RequestRefused: "was refused by the server",
    PermissionDenied: "is not permitted to this role",
}


def _error_class(error: BaseException) -> type[RequestFailed]:
    outcome = classify(error)
    if isinstance(error, (Unauthorized, AuthenticationFailed)):
        return PermissionDenied
    if isinstance(error, (OperationTimedOut, ServerTimeout, TimeoutError)):
        return RequestTimeout
    if isinstance(error, NoHostAvailable):
        return _error_class_of_all_hosts(error)
    is_unreachable = isinstance(error, (ConnectionException, ConnectionBusy, OSError, RateLimitReached))
    if is_unreachable or outcome is StatementOutcome.TRANSIENT:
        return ServiceUnavailable
    return (
        RequestRefused
        if outcome in (StatementOutcome.REFUSED, StatementOutcome.CONFLICT, StatementOutcome.MISSING)
        else RequestFailed
    )


def _error_class_of_all_hosts(error: Exception) -> type[RequestFailed]:
    """Return the class for a request that no host served; an error in a value is not the cluster's."""
    error_classes = {
        _error_class(host_error) if isinstance(host_error, REQUEST_ERRORS) else RequestFailed
        for host_error in _host_errors(error)
    }
    return error_classes.pop() if len(error_classes) == 1 else ServiceUnavailable


def _host_errors(error: Exception) -> Iterator[BaseException]:
    errors: Any = getattr(error, "errors", None)
    if isinstance(errors, Mapping):
        yield from cast("Mapping[Any, BaseException]", errors).values()


def _describe(template: StatementTemplate[Any] | None) -> str:
    if template is None:
        return "A statement"
    name = getattr(template.model, "__qualname__", None)
    article = "An" if template.verb[0] in "aeiou" else "A"
    return f"{article} {template.verb} of {name}" if name else f"{article} {template.verb}"


def _driver_message(error: Exception) -> str:
    """Return the class of the driver's error, and the server's message."""
    return f"{type(error).__name__}: {server_message(error)}".rstrip(". ")


def _advice(
    cls: type[RequestFailed], error: Exception, template: StatementTemplate[Any] | None, *, is_unknown: bool
) -> str:
    if is_unknown:
        return _IDEMPOTENT_ADVICE if template is not None and template.idempotent else _READ_FIRST_ADVICE
    if cls in (RequestTimeout, ServiceUnavailable):
        return _RETRY_LATER_ADVICE
    if cls is PermissionDenied:
        return "Grant it to the role, or connect as another role."
    if (
        cls is RequestRefused
        and template is not None
        and template.model is not None
        and classify(error) is StatementOutcome.MISSING
    ):
        return "Is the migration of these models applied to this keyspace? See `scyllamodel status`."
    return ""
