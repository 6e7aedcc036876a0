"""The outcome of a failed statement, from the driver's real exception objects."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cassandra import (
    AlreadyExists,
    ConfigurationException,
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    ReadTimeout,
    Unauthorized,
    Unavailable,
    WriteFailure,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionException, ConnectionShutdown
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import ErrorMessage

from scyllamodel.driver.outcomes import StatementOutcome, classify, is_node_failure

U, C, T, R, M = (
    StatementOutcome.UNKNOWN,
    StatementOutcome.CONFLICT,
    StatementOutcome.TRANSIENT,
    StatementOutcome.REFUSED,
    StatementOutcome.MISSING,
)


def answer(code, text, info=None):
    """The exception that the driver creates for an ERROR frame with this code."""
    from cassandra.protocol import error_classes  # noqa: PLC0415 - a table of the driver's

    message = error_classes.get(code, ErrorMessage)(code, text, info)
    return message.to_exception() if hasattr(message, "to_exception") else message


def unreached(*errors):
    """What a statement raises if no host had a connection."""
    return NoHostAvailable(
        "Unable to complete the operation against any hosts", {f"10.0.0.{n}": e for n, e in enumerate(errors)}
    )


CASES = [
    (AlreadyExists("k", "t"), C),
    (answer(0x2400, "Cannot add already existing table", {"keyspace": "k", "table": "t"}), C),
    (answer(0x2400, "Cannot add existing keyspace", {"keyspace": "k", "table": ""}), C),
    (answer(0x2200, "A user type of name k.t already exists"), C),
    (answer(0x2200, "A user type with name 't' already exists"), C),
    (answer(0x2200, "Index 'i' already exists"), C),
    (answer(0x2200, "Index j is a duplicate of existing index i"), C),
    (answer(0x2200, "Index x cannot be created, because table x_index already exists"), C),
    (answer(0x2200, "Cannot create more than one storage-attached index on the same column: v"), C),
    (answer(0x2200, "Invalid column name x because it conflicts with an existing column"), C),
    (answer(0x2200, "Column with name 'x' already exists"), C),
    (answer(0x2200, "Keyspace 'k' doesn't exist"), M),
    (answer(0x2200, "Cannot create a table in a non-existent keyspace: k"), M),
    (answer(0x2200, "Keyspace k does not exist"), M),
    (answer(0x2200, "unconfigured table t"), M),
    (answer(0x2200, "Cannot drop non existing table 't' in keyspace 'k'."), M),
    (answer(0x2200, "Index 'x' could not be found in any of the tables of keyspace 'k'"), M),
    (answer(0x2200, "No user type named k.t exists."), M),
    (answer(0x2200, "Column x was not found in table 'k.t'"), M),
    (answer(0x2300, "Column family ID mismatch (found a; expected b)"), C),
    (answer(0x2300, "Table ID mismatch (found a; expected b)"), C),
    (answer(0x2300, "Column mismatch (found a; expected a)"), C),
    (answer(0x2200, "Unknown type k.nosuch"), M),
    (answer(0x2200, "Altering column types is no longer supported"), R),
    (answer(0x2300, 'k.t: Cannot have a counter column ("z") in a non counter table'), R),
    (answer(0x2000, "line 1:0 no viable alternative"), R),
    (answer(0x2100, "User u has no CREATE permission on <all keyspaces> or any of its parents"), R),
    (InvalidRequest("nothing known"), R),
    (ConfigurationException("nothing known"), R),
    (Unauthorized("no"), R),
    (answer(0x0000, "Failed to apply group 0 change due to concurrent modification"), T),
    (answer(0x0000, "java.lang.RuntimeException: who knows"), U),
    (answer(0x0000, "raft operation [read_barrier] timed out, there is no raft quorum"), R),
    (answer(0x0000, "raft operation [add_entry] timed out, there is no raft quorum"), U),
    (unreached(answer(0x0000, "sstring out of range"), answer(0x0000, "sstring out of range")), R),
    (unreached(answer(0x0000, "sstring out of range"), answer(0x0000, "who knows")), U),
    (answer(0x2200, "Another RF change for this keyspace k ongoing, please retry."), T),
    (answer(0x2200, "Another global topology request is ongoing, please retry."), T),
    (answer(0x1001, "too busy"), T),
    (answer(0x1002, "still starting"), T),
    (Unavailable("no", ConsistencyLevel.QUORUM, 2, 1), T),
    (ConnectionBusy("full"), T),
    (NoConnectionsAvailable("full"), T),
    (unreached(ConnectionException("Host has been marked down or removed")), T),
    (unreached(ConnectionException("Pool is shutdown"), NoConnectionsAvailable("full")), T),
    (unreached(ConnectionShutdown("gone")), U),
    (unreached(answer(0x0000, "who knows")), U),
    (unreached(), U),
    (NoHostAvailable("Unable to connect to any servers", ["10.0.0.1"]), U),
    (OperationTimedOut(), U),
    (ConnectionShutdown("Connection to 10.0.0.1 was closed"), U),
    (ConnectionException("reset"), U),
    (WriteTimeout("no", 0), U),
    (ReadTimeout("no"), U),
    (WriteFailure("INCOMPATIBLE_SCHEMA", 0), U),
    (answer(0x1700, "CAS operation result is unknown - proposal was not accepted by a quorum."), U),
    (answer(0x7777, "a code of a later protocol, where x already exists"), U),
    (RuntimeError("already exists"), U),
]


@pytest.mark.parametrize(("error", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_a_failure_has_one_meaning(error, expected):
    """The exception class decides first, then the server's message; everything else is an unknown outcome."""
    outcome = classify(error)

    assert expected is outcome


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (unreached(ConnectionException("Host has been marked down or removed")), True),
        (ConnectionShutdown("gone"), True),
        (ConnectionBusy("full"), True),
        (OperationTimedOut(), False),
        (InvalidRequest("no"), False),
    ],
)
def test_a_lost_node_is_distinguished_from_a_bad_statement(error, is_lost):
    """Only errors of a node or of its connection are a reason to use another coordinator."""
    result = is_node_failure(error)

    assert is_lost is result


CODES = {"IR": 0x2200, "CE": 0x2300, "SE": 0x2000, "UA": 0x2100, "SV": 0x0000, "AE": 0x2400}

OTHER = [
    ("AE", "", C),
    ("IR|CE", r"already exist|conflicts with|is a duplicate of existing index|more than one storage-attached", C),
    ("IR", r"please retry|Please retry", T),
    ("IR", r"[Rr]ole  doesn't exist", R),
    (
        "IR|CE|SV",
        r"does(n't| not) exist|non[- ]exist(ing|ent)|No user type named|Can't find a keyspace|unknown keyspace",
        M,
    ),
    ("IR", r"unconfigured table|not found in (table|keyspace)|Undefined column name|could not be found in any", M),
    ("IR", r"^Unknown (type|identifier|field) |^Unrecognized name|Cannot rename unknown column", M),
    ("SV", r"Abort requested|abort requested|std::bad_alloc|java\.(lang\.(Null|Runtime)|util)|com\.google|javax", U),
    ("IR|CE|SE|UA|SV", "", R),
]
"""What each recorded text means: the first row whose class and pattern fit."""


def recorded_errors():
    """The class and text of each distinct error that was recorded on a real server of either engine."""
    values = set()
    for name in ("cassandra", "scylla"):
        text = (Path(__file__).parents[2] / "data" / f"{name}-observed.json").read_text(encoding="utf-8")
        groups = {group: cases for group, cases in json.loads(text).items() if group != "about"}
        values.update(_errors_in(groups))
    return sorted(values)


def _errors_in(part):
    if isinstance(part, str):
        match = re.match(r"!?(IR|CE|SE|UA|SV|AE) (.+)", part, re.DOTALL)
        return {match.groups()} if match else set()
    members = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else ()
    return set().union(*map(_errors_in, members))


def test_each_recorded_error_is_in_the_table():
    """Every recorded error is classified, and no refusal of a server is classified as a lost answer."""
    recorded = recorded_errors()

    info = {"keyspace": "k", "table": "t"}
    by_name = {(cls, text): classify(answer(CODES[cls], text, info)) for cls, text in recorded}
    expected = {
        (cls, text): next(m for classes, pattern, m in OTHER if re.fullmatch(classes, cls) and re.search(pattern, text))
        for cls, text in recorded
    }
    assert len(recorded) > 900
    assert {} == {key: (by_name[key], expected[key]) for key in recorded if by_name[key] is not expected[key]}
