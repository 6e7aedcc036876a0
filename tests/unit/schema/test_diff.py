"""Properties of diffs of whole keyspaces, whatever they contain."""

from __future__ import annotations

import json
import random

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from scyllamodel._backoff import Clock
from scyllamodel.schema.apply import apply
from scyllamodel.schema.changes.kinds import Unmanaged
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.fingerprint import fingerprint, managed_fingerprint
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import NTS, schema, summaries
from support.earlier_schemas import earlier
from support.simulator import Faults, Simulator, applied
from support.strategies import keyspaces

SERVERS = [ServerProfile(), ServerProfile("cassandra", (4, 0, 19)), ServerProfile("scylla", (2025, 4))]
servers = st.sampled_from(SERVERS)
NOTHING = schema(keyspace=None)


def _alone(facts):
    return SchemaFacts([facts])


def changes_only(changes):
    """The changes without the notes on undeclared objects."""
    return [change for change in changes if not isinstance(change, Unmanaged)]


def brought(simulator, models):
    """Plan and apply the models, and return the plan."""
    plan = simulator.knows(make_plan(models, simulator.schema, simulator.server, create_keyspace=True))
    apply(plan, simulator, clock=Clock(simulator.clock, simulator.sleep))
    return plan


@settings(max_examples=40, deadline=None)
@given(keyspaces(), servers)
def test_the_second_plan_is_empty(models, server):
    """After a plan is applied, the next one is empty, and no undeclared object exists."""
    simulator = Simulator(NOTHING, server)
    brought(simulator, models)

    assert [] == summaries(diff(simulator.facts, models, server))
    assert make_plan(models, simulator.schema, server).is_empty


@settings(max_examples=40, deadline=None)
@given(st.data(), keyspaces(), servers)
def test_growth_is_reached_by_adding(data, models, server):
    """Models are reached from any earlier state by additions without a refusal, and a second plan is empty."""
    simulator = Simulator(NOTHING, server)
    brought(simulator, data.draw(earlier(models)))
    plan = brought(simulator, models)

    assert {"+", "~"} >= {step.mark for step in plan.steps}
    assert [] == summaries(diff(simulator.facts, models, server))


@settings(max_examples=40, deadline=None)
@given(st.data(), keyspaces(), servers)
def test_an_older_release_next_to_a_newer_schema_has_nothing_to_do(data, models, server):
    """Additions of a newer release are noted in the plan of an older one, which is empty."""
    simulator = Simulator(NOTHING, server)
    brought(simulator, models)
    older = make_plan(data.draw(earlier(models)), simulator.schema, server)

    assert older.is_empty
    assert {"BC103"} >= {note.code for note in older.notes}


@settings(max_examples=40, deadline=None)
@given(keyspaces(), servers)
def test_each_step_is_proved_by_the_schema(models, server):
    """The post-condition of a step is false before and true after it, and its inverse restores the facts."""
    facts = attrs.evolve(NOTHING, keyspace=models.keyspace)
    for step in make_plan(models, facts, server).steps:
        assert not is_applied(step.change, facts, server)
        before, facts = facts, applied(facts, step.change)
        assert is_applied(step.change, facts, server)
        inverse = step.change.inverse()
        assert is_applied(inverse, before, server)
        assert not is_applied(inverse, facts, server)
        assert before == applied(facts, inverse)


@settings(max_examples=40, deadline=None)
@given(keyspaces(), servers, st.randoms())
def test_order_does_not_matter(models, server, shuffler: random.Random):
    """Equal models in any order have the same plan and the same fingerprint."""

    def shuffled(value):
        return shuffler.sample(value, len(value))

    def turned(fact):
        keys = [column for column in fact.columns if column.in_key]
        rest = [column for column in fact.columns if not column.in_key]
        options = dict(shuffled(list(fact.options.items())))
        return attrs.evolve(fact, columns=[*keys, *shuffled(rest)], options=options)

    other = KeyspaceFacts(
        models.name,
        models.keyspace,
        shuffled(models.types),
        [attrs.evolve(turned(table), indexes=shuffled(table.indexes)) for table in shuffled(models.tables)],
        [turned(view) for view in shuffled(models.views)],
    )
    plans = [make_plan(facts, NOTHING, server, create_keyspace=True) for facts in (models, other)]

    assert json.dumps(plans[0].to_dict()) == json.dumps(plans[1].to_dict())
    assert plans[0].render() == plans[1].render()
    assert fingerprint(models) == fingerprint(other)


numbers = st.frozensets(st.integers(1, 12), max_size=4)
few = st.frozensets(st.integers(1, 12), max_size=2)
"""A statement that is lost on its way three times fails its step; so often may none be."""


@settings(max_examples=40, deadline=None)
@given(keyspaces(), servers, numbers, few, numbers, st.dictionaries(st.integers(1, 12), st.integers(1, 4)))
def test_no_fault_makes_a_step_run_twice(models, server, lost, unsent, busy, late):  # noqa: PLR0917 - drawn
    """Whatever answers are lost or delayed, each statement runs exactly once, and the models are reached."""
    simulator = Simulator(NOTHING, server, Faults(lost=lost, unsent=unsent, busy=busy, late=late))
    plan = brought(simulator, models)

    assert [*(step.cql for step in plan.bootstrap), *plan.cql] == simulator.executed
    assert [] == summaries(diff(simulator.facts, models, server))


@settings(max_examples=40, deadline=None)
@given(st.data(), keyspaces())
def test_fingerprints_tell_schemas_apart(data, models):
    """Equal facts have one fingerprint, and facts with different statements have different ones."""
    older = data.draw(earlier(models))
    differs = bool(changes_only(diff(older, models, SERVERS[0])))

    assert not differs or fingerprint(older) != fingerprint(models)
    assert fingerprint(attrs.evolve(models, keyspace=Keyspace("k", NTS))) == fingerprint(models)


@settings(max_examples=40, deadline=None)
@given(st.data(), keyspaces())
def test_unmanaged_objects_do_not_count(data, models):
    """Undeclared tables, types and views do not change the fingerprint of the managed part."""
    older = data.draw(earlier(models))
    kinds = ("types", "tables", "views")
    declared = {kind: {item.name for item in getattr(older, kind)} for kind in kinds}
    part = {kind: [item for item in getattr(models, kind) if item.name in declared[kind]] for kind in kinds}
    alone = attrs.evolve(models, **part)

    assert managed_fingerprint(_alone(models), _alone(older)) == managed_fingerprint(_alone(alone), _alone(older))
    assert fingerprint(_alone(older)) == managed_fingerprint(_alone(older), _alone(older))
