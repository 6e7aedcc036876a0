"""Random models on a real server: a second sync has nothing to do, and growing models lose nothing.

``--hypothesis-profile=soak`` tries hundreds of schemas instead of a handful.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from uuid import uuid4

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.query import tuple_factory
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scyllamodel import Repo, check, inspect, migrate, plan
from scyllamodel._identifiers import qualified, quote
from scyllamodel.model.change_tracking import changed_columns, current_values
from scyllamodel.types.identity import stored_form
from support.model_classes import declare
from support.row_literals import insert
from support.strategies import keyspaces, later

pytestmark = pytest.mark.live
SOAK = settings.default.max_examples > 100
few = settings(
    max_examples=settings.default.max_examples // 20,
    deadline=None,
    print_blob=True,
    phases=set(Phase) - ({Phase.explain} if SOAK else {Phase.explain, Phase.shrink}),
    suppress_health_check=list(HealthCheck),
)
"""A keyspace takes seconds to make and drop, so there are few, and none to shrink a failing one but in a soak."""

numbers = count()


@pytest.fixture(scope="module")
def session(scylla_cluster):
    """The connection that all examples share."""
    with scylla_cluster.repo("system") as repo:
        yield repo.session


class Release:
    """The models of one release, and a repo with its own keyspace."""

    def __init__(self, session, keyspace, facts):
        self.facts, self.keyspace = facts, keyspace
        self.repo = Repo(f"release_{next(numbers)}", session=session, keyspace=keyspace, create_keyspace=True)
        self.models = declare(self.repo.name, facts)

    def synced(self):
        """The statements of a sync, after which both a plan and the server show that nothing is left to do."""
        statements = migrate(self.repo).plan.cql

        assert [] == plan(self.repo).cql
        assert declared(self.facts) == stored(inspect(self.repo)[self.keyspace])
        return statements

    def write(self):
        """Two rows in every table, with a value in every column."""
        user_types = {item.name: item for item in self.facts.types}
        for table in self.facts.tables:
            for n in (1, 2):
                self.repo.session.execute(insert(self.keyspace, table, n, user_types), timeout=60)

    def read(self):
        """All rows of every table, as instances of these models, with their values for the driver."""
        return {model.__facts__.name: self._rows(model) for model in self.models if hasattr(model.__facts__, "indexes")}

    def _rows(self, model):
        session = self.repo.session
        profile = session.execution_profile_clone_update(EXEC_PROFILE_DEFAULT, row_factory=tuple_factory)
        names = ", ".join(quote(part.db_name) for part in model.__columns__.values())
        cql = f"SELECT {names} FROM {qualified(self.keyspace, model.__facts__.name)}"
        rows = [model.__load__(row) for row in session.execute(cql, execution_profile=profile, timeout=60)]
        return [(row, row.__bind__()) for row in rows]


def changed(rows):
    """The values that a save of these rows would send, without those that the driver refuses, see `classes.plain`."""
    values = [
        change for tables in rows.values() for row, _ in tables for change in changed_columns(row, current_values(row))
    ]
    return [value for value in values if form_of(value) == form_of(value)]


def form_of(change):
    """The stored form of the new value; values that cannot be stored never compare equal."""
    return stored_form(change.column.identity, change.new_value)


def declared(facts):
    """Return these facts in a form that two sides can share, types that no column uses included."""
    return (
        {item.name: item.fields for item in facts.types},
        {table.name: (table.columns, frozenset(map(target, table.indexes))) for table in facts.tables},
        {view.name: (view.base, view.columns) for view in facts.views},
    )


def stored(facts):
    """The facts of the server, which has nothing else."""
    return (
        {each.name: each.fields for each in facts.types},
        {each.name: (each.columns, frozenset(map(target, each.indexes))) for each in facts.tables},
        {each.name: (each.base, each.columns) for each in facts.views},
    )


def target(index):
    return index.name, index.column, index.on


@contextmanager
def fresh_keyspace(session):
    """The name of a keyspace that is dropped afterwards."""
    name = f"random_{uuid4().hex[:8]}"
    try:
        yield name
    finally:
        session.execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)


@few
@given(st.data())
def test_random_models_sync_and_grow(session, data):
    """A second sync has nothing to do, also after any growth; rows stay unchanged; the older release can still start.

    Rows are compared as instances and by their bound values, which distinguish values that ``==`` does not, such as
    decimals of another scale. Both sides are read by the older release: the newer one has its own classes, also for
    user types of equal CQL names, and attrs never treats instances of two classes as equal. Columns without a Python
    type, such as sets of maps, contain tuples that the driver would refuse; these are compared by ``==`` alone.
    """
    first = data.draw(keyspaces())
    with fresh_keyspace(session) as name:
        old = Release(session, name, first)
        old.synced()
        old.write()
        rows = old.read()

        new = Release(session, name, data.draw(later(first)))
        new.synced()
        answer = check(old.repo)

        assert rows == old.read()
        assert [] == changed(old.read())
        assert answer.in_sync
        assert {note.code for note in answer.notes} <= {"BC103"}
        assert "in_sync" == migrate(old.repo).status
