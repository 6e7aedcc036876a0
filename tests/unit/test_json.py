"""JSON from other programs is parsed within limits, and checked against the published schemas."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from scyllamodel import ConfigurationError, RawStep
from scyllamodel._json import check_document, read_json, to_json
from scyllamodel.release.engine.raw_steps import with_raw_steps
from scyllamodel.release.ledger import LedgerStep
from scyllamodel.schema.changes.as_json import change_from_json
from scyllamodel.schema.export.snapshot import read_snapshot
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.plan import Plan, make_plan
from scyllamodel.schema.reflect import index_target
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, table
from support.json_schemas import faults

PLAN = make_plan(desired(table("t", "id int pk")), schema(), ServerProfile())
SNAPSHOT = {"format": 1, "kind": "snapshot", "repos": [{"name": "default", "keyspaces": []}]}


def deep(levels, before="", after=""):
    """A text of nested lists with this depth."""
    return before + "[" * levels + "]" * levels + after


@pytest.mark.parametrize("levels", [1, 64, 65, 1000, 100_000])
def test_json_nests_only_so_deep(levels):
    """Text that is nested too deeply is a ValueError, and does not exhaust the stack."""
    if levels <= 64:
        assert isinstance(read_json(deep(levels)), list)
        return
    with pytest.raises(ValueError, match="nest more than 64 deep"):
        read_json(deep(levels))


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[-Infinity]", '{"a": "\\ud800"}', '{"\\udfff": 1}', f"[{'9' * 5000}]"]
)
def test_what_is_no_json_is_an_error_of_values(text):
    """Invalid JSON, and numbers and texts that other programs cannot parse, are ValueErrors."""
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


@pytest.mark.parametrize("levels", [65, 100_000])
def test_deep_json_is_what_is_not_understood(levels, tmp_path):
    """Deep JSON is refused in a plan, a lock file, a ledger row and an index target."""
    plan = tmp_path / "plan.json"
    plan.write_text(deep(levels, '{"kind": "plan", "format": 1, "steps": ', "}"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="nest more than 64 deep"):
        Plan.load(plan)
    with pytest.raises(ConfigurationError, match="is not a snapshot"):
        read_snapshot(deep(levels, '{"kind": "snapshot", "format": 1, "repos": ', "}"), "lock.json")
    with pytest.raises(ValueError, match="is not an index target"):
        index_target(deep(levels, '{"ck": ', "}"), {})
    step = LedgerStep("k/default", 1, 1, change_json=deep(levels, '{"=": "AddType", "type": ', "}"))

    assert (None, None) == (step.change, step.undone_step)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("keyspace",), 7),
        (("steps",), {}),
        (("steps", 0, "cql"), ["DROP TABLE t"]),
        (("steps", 0, "seq"), True),
        (("steps", 0, "cost"), "nothing"),
        (("steps", 0, "later"), 1),
        (("notes",), [{"code": "DS101", "severity": "grave", "object": "k", "text": "x", "fix": ""}]),
        (("from",), None),
    ],
)
def test_a_plan_of_other_values_is_no_plan(place, value):
    """A plan with a value of another type is refused, even if its hash is right."""
    document = json.loads(json.dumps(PLAN.to_dict()))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(ConfigurationError, match=r"not a plan: the document\.|not a plan: .*strange"):
        Plan.from_dict(document)


@pytest.mark.parametrize(
    "repos", [{}, [7], [{"name": 1, "keyspaces": []}], [{"name": "a"}], [{"name": "a", "keyspaces": [{"name": None}]}]]
)
def test_a_lock_file_of_other_values_was_altered(repos):
    """The error for an altered lock file has the first place that does not match the schema."""
    with pytest.raises(ConfigurationError, match=r"lock.json was altered: the document\.repos.*scyllamodel snapshot"):
        read_snapshot(json.dumps({**SNAPSHOT, "repos": repos}), "lock.json")


@pytest.mark.parametrize(
    "text",
    [
        '{"=":"AddTable","keyspace":"k","table":"t"}',
        '{"=":"AddTable","keyspace":7,"table":{"=":"Table","name":"t","columns":[]}}',
        '{"=":"AddTable","keyspace":"k","table":{"=":"Table","name":"t","columns":[{"=":"Index","name":"i","column":"c"}]}}',
        '{"=":"AddField","keyspace":"k","type":"t","name":"n","field_type":"int"}',
        '{"=":"RenameFields","keyspace":"k","type":"t","names":[["a"]]}',
        '{"=":"SetMask","keyspace":"k","table":"t","column":"c","mask":1,"before":null}',
        '{"=":"SetOptions","keyspace":"k","name":"t","options":{"map":{"a":[1]}},"before":{"map":{}}}',
        '{"=":"DropIndex","keyspace":"k","table":{"=":"Table","name":"t","columns":[]},"index":{"=":"Index","name":"i","column":"c","on":"all"}}',
        '{"=":["AddTable"]}',
        '{"cql":7}',
    ],
)
def test_a_change_of_other_values_is_none(text):
    """A change whose fields have other types than its class is read as None."""
    assert change_from_json(text) is None


def test_a_plan_with_hand_written_steps_is_one():
    """The document of a plan with hand-written steps is accepted."""
    plan = with_raw_steps(PLAN, [RawStep("GRANT SELECT ON k.t TO r")], set())

    assert [] == faults(json.loads(json.dumps(plan.to_dict())))
    assert plan == Plan.from_dict(json.loads(json.dumps(plan.to_dict())))


@pytest.mark.parametrize("value", [1.0, "1", True, None])
def test_kinds_of_values_are_distinguished(value):
    """A format of 1.0, "1" or true is not accepted as the integer 1."""
    with pytest.raises(ValueError, match=r"the document\.format is not 1"):
        check_document({**SNAPSHOT, "format": value}, "snapshot")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        *((scalar, scalar) for scalar in ("a", 1, 1.5, True, None)),
        ({"b": 1, "a": {2: ("x",)}}, {"a": {"2": ["x"]}, "b": 1}),
        (FrozenMap({"class": "Simple", "racks": ("r1", "r2")}), {"class": "Simple", "racks": ["r1", "r2"]}),
        ([{3, 1, 2}, frozenset("b")], [[1, 2, 3], ["b"]]),
        (datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc), "2026-01-02T03:04:05.678+00:00"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Decimal("1.50"), "1.50"),
        (ConfigurationError, "ConfigurationError"),
        (ConfigurationError("no"), {"code": "CF101", "error": "ConfigurationError", "message": "no"}),
        (ValueError("no"), "no"),
    ],
    ids=repr,
)
def test_any_value_becomes_plain_json(value, plain):
    """Any value is converted to plain JSON, with sorted names, so that equal values have equal texts."""
    result = to_json(value)

    assert plain == result
    assert json.loads(json.dumps(result)) == result
    assert json.dumps(plain) == json.dumps(result)
