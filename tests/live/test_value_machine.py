"""Whatever is done to instances, the row equals a plain model of it, in stored form."""

from __future__ import annotations

import copy
import random
import uuid
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from scyllamodel import Column, Model, UserType, column, migrate, partition_key
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces
from scyllamodel.types.annotations import map_annotation
from scyllamodel.types.identity import cell_form, stored_form
from support.strategies import NEAR, SCALARS, Shape, maps_of

pytestmark = pytest.mark.live
SEED = 20
EXAMPLES = 8
STEPS = 25


class Pair(UserType, name="pair"):
    """A user type whose values compare differently in Python and on the server."""

    at: datetime | None = None
    price: Decimal | None = None
    ratio: cql.Float | None = None


class Basket(UserType, name="basket"):
    """A user type that is always frozen, since it has collections that are not."""

    seen: set[datetime] | None = None
    words: list[str] | None = None
    ratios: dict[str, float] = attrs.field(factory=dict)


class Opaque:
    """A class of an application that does not define equality."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def __repr__(self):
        return f"Opaque({self.text!r})"


def _of(annotation):
    return next(shape.values for shape in NEAR if shape.hint is annotation)


PAIRS = Shape(Pair, st.builds(Pair, at=st.none() | _of(datetime), price=st.none() | _of(Decimal), ratio=_of(cql.Float)))
BASKETS = Shape(
    cql.Frozen[Basket],
    st.builds(
        Basket,
        seen=st.none() | st.sets(_of(datetime), max_size=2),
        words=st.none() | st.lists(_of(str), max_size=2),
        ratios=st.dictionaries(_of(str), _of(float), max_size=2),
    ),
    key=False,
)
POOL = [*NEAR, *(shape for shape in SCALARS if shape.hint not in {near.hint for near in NEAR}), PAIRS, BASKETS]


def sets_of(shape):
    """Strategies of sets with these values."""
    return st.lists(shape.values, max_size=4).map(set)


def kinds_of(shape, other):
    """Columns of these values: alone, and in every container."""
    values = [
        (shape.hint | None, st.none() | shape.values),
        (list[shape.hint], st.lists(shape.values, max_size=4)),
        (list[shape.hint] | None, st.none() | st.lists(shape.values, max_size=2)),
        (tuple[shape.hint, other.hint | None] | None, st.none() | st.tuples(shape.values, st.none() | other.values)),
    ]
    if shape.key:
        values += [
            (set[shape.hint], sets_of(shape)),
            (frozenset[shape.hint] | None, st.none() | sets_of(shape).map(frozenset)),
            (dict[shape.hint, other.hint], maps_of(shape, other)),
            (cql.Frozen[dict[shape.hint, other.hint]] | None, st.none() | maps_of(shape, other)),
        ]
    return values


def random_model(number, chance):
    """A model of all types, each in a random container, and the strategies of its columns."""
    annotations: dict[str, Any] = {"id": Column[uuid.UUID]}
    body: dict[str, Any] = {"__module__": __name__, "__qualname__": f"Random{number}", "id": partition_key()}
    strategies = {}
    for index, shape in enumerate(POOL):
        annotation, values = chance.choice(kinds_of(shape, chance.choice(POOL)))
        name = f"c{index}"
        annotations[name], strategies[name] = Column[annotation], values
        empty = map_annotation(annotation).empty
        body[name] = column(default=None) if empty is None else column(factory=empty)
    annotations |= {"opaque": Column[Opaque | None], "pair": Column[Pair | None]}
    body["opaque"] = column(default=None, type=str, load=Opaque, dump=str)
    body["pair"] = column(default=None)
    strategies["opaque"] = st.none() | st.sampled_from(["", "a", "b"]).map(Opaque)
    strategies["pair"] = st.none() | PAIRS.values
    body["__annotations__"] = annotations
    return type(Model)(f"Random{number}", (Model,), body, table=f"random_{number}", repo="machine"), strategies


MODELS = [random_model(number, random.Random(SEED + number)) for number in range(3)]


class Values(RuleBasedStateMachine):
    """Two instances of one row, used in turn, and the expected row."""

    repo: Any
    sent: Counter[str]

    def __init__(self):
        super().__init__()
        self.row = None
        self.strategies = {}

    @precondition(lambda self: self.row is None)
    @rule(data=st.data(), at=st.integers(0, len(MODELS) - 1))
    def begin(self, data, at):
        """Create a new instance with some values."""
        model, self.strategies = MODELS[at]
        names = data.draw(st.sets(st.sampled_from(sorted(self.strategies)), max_size=8))
        self.row = model(id=uuid.uuid4(), **{name: data.draw(self.strategies[name]) for name in sorted(names)})
        self.saved("save")

    @precondition(lambda self: self.row is not None)
    @rule(data=st.data())
    def assign(self, data):
        """Assign other values to some columns."""
        for name in sorted(data.draw(st.sets(st.sampled_from(sorted(self.strategies)), max_size=4))):
            setattr(self.row, name, data.draw(self.strategies[name]))

    @precondition(lambda self: self.row is not None)
    @rule(data=st.data())
    def change_in_place(self, data):
        """Add elements to a collection or remove some."""
        name = data.draw(st.sampled_from(sorted(self.strategies)))
        value, other = getattr(self.row, name), data.draw(self.strategies[name])
        if isinstance(value, list) and isinstance(other, list):
            value[len(value) // 2 :] = other
        elif isinstance(value, set):
            (value.difference_update if len(value) > 2 else value.update)(other or ())
        elif isinstance(value, dict) and isinstance(other, dict):
            value.clear() if len(value) > 2 else value.update(other)
            if _ambiguous(type(self.row), name, value):
                setattr(self.row, name, other)

    @precondition(lambda self: self.row is not None)
    @rule(method=st.sampled_from(["save", "batch", "save_many", "replace"]))
    def save(self, method):
        """Save in one of several ways."""
        self.saved(method)

    @precondition(lambda self: self.row is not None)
    @rule()
    def reload(self):
        """Continue with the row as it is read; unsaved changes are discarded."""
        self.row = self.repo.get(type(self.row), id=self.row.id)

    def saved(self, method):
        """Save, and compare the row with the instance; a second save sends nothing."""
        row, repo = self.row, self.repo
        expected = forms(row)
        if method == "batch":
            with repo.batch() as batch:
                batch.save(row)
        elif method == "save_many":
            repo.save_many([row])
        else:
            row = self.row = row.replace() if method == "replace" else row
            repo.save(row)
        loaded = repo.get(type(row), id=row.id)
        assert expected == forms(loaded)
        assert row == loaded
        assert loaded == copy.deepcopy(row)
        before = self.sent.total()
        repo.save(row)
        repo.save(loaded)
        assert before == self.sent.total()


def forms(row):
    """The stored forms of the values of an instance, by name."""
    return {name: stored_form(item.identity, getattr(row, name)) for name, item in type(row).__columns__.items()}


def _ambiguous(model, name, value):
    key = model.__columns__[name].identity.element_identities[0]
    return len({cell_form(key, value) for value in value}) < len(value)


@pytest.fixture(scope="module")
def machine(scylla_cluster):
    """The state machine with the tables of its models."""
    sent = Counter()

    def count(event):
        sent[event.cql.partition(" ")[0]] += 1

    with scylla_cluster.repo(keyspaces.unique_name("machine"), name="machine", on_query=count) as new_repo:
        migrate(new_repo, resources=[model for model, _ in MODELS], create_keyspace=True)
        # Hypothesis draws from the constants of modules, so those that are imported on first use must be there by now.
        row = MODELS[0][0](id=uuid.uuid4())
        new_repo.save_many([row])
        with new_repo.batch() as batch:
            batch.save(row.replace(opaque=Opaque("a")))
        new_repo.save(new_repo.get(type(row), id=row.id))
        yield type("Machine", (Values,), {"repo": new_repo, "sent": sent})
        keyspaces.drop(new_repo)


def test_a_row_is_what_was_done_to_its_instances(machine):
    """Rows equal the model after random sequences of changes, saves, batches and reads of random models."""
    few = settings(
        max_examples=max(EXAMPLES, settings().max_examples // 10),
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=few)
