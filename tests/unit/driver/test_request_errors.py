"""Errors of the driver as errors of the package, for all of its classes."""

from __future__ import annotations

import copy
import importlib

import pytest
from cassandra import (
    AuthenticationFailed,
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    ReadFailure,
    ReadTimeout,
    Unauthorized,
    Unavailable,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionException, ConnectionShutdown
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import OverloadedErrorMessage, SyntaxException, TruncateError

from scyllamodel.driver.data.request_errors import record_attempts, request_error
from scyllamodel.driver.outcomes import REQUEST_ERRORS, StatementOutcome, classify
from scyllamodel.errors import (
    ConnectionFailed,
    PermissionDenied,
    RequestFailed,
    RequestRefused,
    RequestTimeout,
    ServiceUnavailable,
    TypeMismatch,
)
from scyllamodel.query.statement import Marker, StatementTemplate
from scyllamodel.types.parser import parse_type

READ = StatementTemplate("SELECT 1", (), "select", None, "shop")
WRITE = StatementTemplate("UPDATE 1", (), "update", None, "shop")
MODULES = [
    importlib.import_module(f"cassandra{name}") for name in ("", ".cluster", ".connection", ".pool", ".protocol")
]
DRIVER = sorted(
    {
        var
        for module in MODULES
        for var in vars(module).values()
        if isinstance(var, type) and issubclass(var, Exception) and var.__module__.startswith("cassandra")
    },
    key=lambda value: f"{value.__module__}.{value.__name__}",
)
NOT_OF_REQUESTS = {
    "DependencyException",  # a package that the driver wants is missing
    "TraceUnavailable",  # nothing here asks for traces
    "UserTypeDoesNotExist",  # nothing here registers types
    "QueryExhausted",  # pages are asked for while there are some
    "NotSupportedError", "InternalError",  # of encoding a message, before it is sent
    "CrcException",  # the connection turns it into a CrcMismatchException
}  # fmt: skip


def no_host(*errors):
    """What the driver raises if no host served a request."""
    return NoHostAvailable("no", {f"10.0.0.{index}": error for index, error in enumerate(errors)})


CASES = [
    (OperationTimedOut(), RequestTimeout, True),
    (ReadTimeout("no"), RequestTimeout, True),
    (WriteTimeout("no", 0), RequestTimeout, True),
    (Unavailable("no", ConsistencyLevel.QUORUM, 2, 1), ServiceUnavailable, False),
    (OverloadedErrorMessage(0x1001, "busy", None), ServiceUnavailable, False),
    (NoConnectionsAvailable(), ServiceUnavailable, False),
    (ConnectionBusy("all streams taken"), ServiceUnavailable, False),
    (ConnectionShutdown("cut"), ServiceUnavailable, True),
    (BrokenPipeError("cut"), ServiceUnavailable, True),
    (no_host(), ServiceUnavailable, True),
    (no_host(ConnectionShutdown("Pool is shutdown")), ServiceUnavailable, False),
    (no_host(OperationTimedOut(), OperationTimedOut()), RequestTimeout, True),
    (no_host(OperationTimedOut(), ConnectionBusy("no")), ServiceUnavailable, True),
    (no_host(TypeError("a value of another type")), RequestFailed, True),
    (InvalidRequest("no"), RequestRefused, False),
    (SyntaxException(0x2000, "no", None), RequestRefused, False),
    (Unauthorized("no"), PermissionDenied, False),
    (ReadFailure("tombstones"), RequestFailed, True),
    (TruncateError(0x1003, "no", None), RequestFailed, True),
    (AuthenticationFailed("no"), PermissionDenied, False),
]


@pytest.mark.parametrize(("error", "cls", "unknown"), CASES, ids=[repr(case[0])[:60] for case in CASES])
def test_each_error_has_its_class(error, cls, unknown):
    """The error says whether a write may be applied; a read or a preparation never is."""
    result = request_error(error, WRITE)

    assert (cls, unknown, error) == (type(result), result.may_be_applied, result.__cause__)
    assert not request_error(error, READ).may_be_applied
    assert not request_error(error, WRITE, is_execution=False).may_be_applied
    assert classify(error) is classify(result)


@pytest.mark.parametrize("cls", DRIVER, ids=[item.__name__ for item in DRIVER])
def test_no_class_of_the_driver_is_left_out(cls):
    """Every exception class that the driver may raise for a request is translated."""
    assert issubclass(cls, REQUEST_ERRORS) is (cls.__name__ not in NOT_OF_REQUESTS)


@pytest.mark.parametrize("error", [TypeError("x"), KeyError("x"), ConnectionFailed("x"), RequestTimeout("x")], ids=repr)
def test_other_errors_stay_as_they_are(error):
    """Programming errors and errors that are translated already are returned unchanged."""
    assert error is request_error(error, WRITE)


def test_an_error_without_its_cause_is_unknown():
    """An error whose cause is missing, for example after it was pickled, has an unknown outcome."""
    assert StatementOutcome.UNKNOWN is classify(RequestRefused("no"))


def test_an_empty_text_inside_a_vector_is_a_type_mismatch_that_names_it():
    """An empty text inside a vector, which ScyllaDB 2026.3 refuses, is a type mismatch that names it."""
    types = {"Note.id": "int", "Note.words": "vector<text, 2>", "Note.more": "list<vector<blob, 3>>"}
    markers = tuple(Marker(name, parse_type(kind)) for name, kind in types.items())
    shape = StatementTemplate("INSERT 1", markers, "insert", None, "shop")
    server_error = InvalidRequest("null/unset is not supported inside vectors")
    error = request_error(server_error, shape)

    assert isinstance(error, TypeMismatch)
    assert ("Note.words", server_error) == (error.column, error.__cause__)
    assert "Note.words, Note.more: this server cannot store an empty text" in str(error)
    assert isinstance(request_error(InvalidRequest("something else inside vectors"), shape), RequestRefused)
    assert isinstance(request_error(server_error, None), RequestRefused)


class Sent:
    """Stands in for the driver's future, with the errors of attempts by host, the last one at host b."""

    def __init__(self, retries, **errors):
        self._errors, self._query_retries, self._current_host = errors, retries, "b"


UNAVAILABLE = Unavailable("no", ConsistencyLevel.QUORUM, 2, 1)
LOST = ConnectionShutdown("cut")
NEVER_SENT = ConnectionException("Pool is shutdown")


@pytest.mark.parametrize(
    ("sent", "may_be_applied"),
    [
        (Sent(0), False),
        (Sent(0, b=UNAVAILABLE), False),
        (Sent(1, a=UNAVAILABLE), False),
        (Sent(1, a=UNAVAILABLE, b=UNAVAILABLE), False),
        (Sent(0, a=NEVER_SENT), False),
        (Sent(1, a=LOST), True),
        (Sent(1, a=LOST, b=UNAVAILABLE), True),
        (Sent(1, b=UNAVAILABLE), True),  # an attempt at the same host left its error there, until this one came
        (Sent(1, b=WriteTimeout("no", 0)), True),
    ],
)
@pytest.mark.parametrize("last", [UNAVAILABLE, InvalidRequest("unconfigured table t")])
def test_an_error_covers_all_attempts(sent, may_be_applied, last):
    """The driver retries after a broken connection and raises the last error only, but all attempts are considered."""
    error = copy.copy(last)
    record_attempts(error, sent)

    assert may_be_applied == request_error(error, WRITE).may_be_applied
    assert not request_error(error, READ).may_be_applied
    assert type(request_error(error, WRITE)) is type(request_error(last, WRITE))


@pytest.mark.parametrize(("attempt", "may_be_applied"), [(UNAVAILABLE, False), (NEVER_SENT, False), (LOST, True)])
def test_an_attempt_after_which_no_host_is_left_is_one_attempt(attempt, may_be_applied):
    """With one node the driver finds no next host after an error, and the request counts as sent once."""
    sent = Sent(1, b=attempt)
    error = NoHostAvailable("Unable to complete the operation against any hosts", sent._errors)
    record_attempts(error, sent)

    assert may_be_applied == request_error(error, WRITE).may_be_applied
