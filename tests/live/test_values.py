"""Values of every type are stored on a real server and read back unchanged."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from cassandra import InvalidRequest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RoundRobinPolicy
from cassandra.protocol import SyntaxException
from cassandra.query import tuple_factory
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scyllamodel import types as cql
from scyllamodel._identifiers import quote, quote_type
from scyllamodel.model._codegen import Field, make_bind, make_load
from scyllamodel.types.annotations import map_annotation
from scyllamodel.types.cql_types import VectorType, walk
from support.strategies import SCALARS, shapes
from support.type_cases import CASES, USER_TYPES, VECTOR_CASES, Place

pytestmark = pytest.mark.live
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


class Holder:
    """A table with a key and a value."""

    __slots__ = ("id", "value")
    id: uuid.UUID
    value: Any


class Server:
    """A session with one keyspace, and the capabilities of its server."""

    def __init__(self, session, profile):
        self.session, self.profile = session, profile
        self.columns = {}

    def column(self, annotation):
        """A column with this annotation in a shared table, since hundreds of tables would slow a small server down."""
        text = map_annotation(annotation).type.cql
        if text not in self.columns:
            self.session.execute(f"ALTER TABLE held ADD c{len(self.columns)} {text}", timeout=60)
            self.columns[text] = f"c{len(self.columns)}"
        return self.columns[text]

    def returned(self, annotation, value):
        """Return the loaded value of one that was bound, written and read."""
        fields = [Field("id", map_annotation(uuid.UUID)), Field("value", map_annotation(annotation))]
        holder, column = Holder(), self.column(annotation)
        holder.id, holder.value = uuid.uuid4(), value
        insert = self.session.prepare(f"INSERT INTO held (id, {column}) VALUES (?, ?)")
        select = self.session.prepare(f"SELECT id, {column} FROM held WHERE id = ?")
        self.session.execute(insert, make_bind(Holder, fields)(holder))
        (row,) = self.session.execute(select, (holder.id,))
        return make_load(Holder, fields)(row).value


@pytest.fixture(scope="module")
def server(scylla_cluster, profile):
    """The server, with the user types made in a keyspace of its own."""
    host, _, port = scylla_cluster.contact_points[0].rpartition(":")
    execution = ExecutionProfile(RoundRobinPolicy(), row_factory=tuple_factory, request_timeout=30)
    login = None if scylla_cluster.login is None else PlainTextAuthProvider(*scylla_cluster.login)
    profiles = {EXEC_PROFILE_DEFAULT: execution}
    cluster = Cluster([host], port=int(port), execution_profiles=profiles, auth_provider=login)
    session = cluster.connect()
    keyspace = f"values_{uuid.uuid4().hex[:12]}"
    replication = "{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}"
    session.execute(f"CREATE KEYSPACE {keyspace} WITH replication = {replication}", timeout=60)
    session.set_keyspace(keyspace)
    for cls, fields in USER_TYPES:
        listed = ", ".join(f"{quote(name)} {cql_type.cql}" for name, cql_type in _frozen(fields))
        session.execute(f"CREATE TYPE {quote_type(cls.__cql_name__)} ({listed})", timeout=60)
    session.execute("CREATE TABLE held (id uuid PRIMARY KEY)", timeout=60)
    yield Server(session, profile)
    session.execute(f"DROP KEYSPACE {keyspace}", timeout=60)
    cluster.shutdown()


def _frozen(fields):
    """Freeze user types in the fields of a user type."""
    return [
        (name, cql.parse_type(f"frozen<{value.cql}>") if hasattr(value, "frozen") else value) for name, value in fields
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_of_every_type_come_back(server, case):
    """Values of every type are loaded equal, with the class of the annotation."""
    values = [server.returned(case.hint, value) for value in case.values]

    assert case.values == values
    assert [type(value) for value in case.values] == [type(value) for value in values]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_null_comes_back(server, case):
    """Null is loaded as None, or as the empty value that servers do not distinguish from null."""
    annotation = map_annotation(case.hint)

    assert (annotation.empty and annotation.empty()) == server.returned(case.hint, None)


@pytest.mark.parametrize("case", VECTOR_CASES, ids=lambda case: case.name)
def test_vectors_come_back_where_there_are_vectors(server, case):
    """Vectors are loaded equal from a server that has them; another refuses the type."""
    if server.profile.has_vectors:
        assert case.values == [server.returned(case.hint, value) for value in case.values]
    else:
        with pytest.raises((SyntaxException, InvalidRequest)):
            server.column(case.hint)


@pytest.mark.parametrize("shape", SCALARS, ids=lambda shape: str(shape.hint))
def test_any_value_of_a_scalar_comes_back(server, shape):
    """Any value of a scalar type is loaded equal."""

    @few
    @given(shape.values)
    def check(value):
        assert value == server.returned(shape.hint, value)

    check()


@few
@given(st.data())
def test_any_value_of_any_nesting_comes_back(server, data):
    """Any value of any nested type is accepted and loaded equal."""
    shape = data.draw(shapes)
    assume(server.profile.has_vectors or not _has_vector(shape.hint))

    value = data.draw(shape.values)

    assert value == server.returned(shape.hint, value)


def _has_vector(annotation):
    return any(isinstance(part, VectorType) for part in walk(map_annotation(annotation).type))


def test_counters_come_back(server):
    """A counter is loaded as an int, incremented by the server."""
    server.session.execute("CREATE TABLE hits (id uuid PRIMARY KEY, value counter)", timeout=60)
    key, load = (
        uuid.uuid4(),
        make_load(Holder, [Field("id", map_annotation(uuid.UUID)), Field("value", map_annotation(cql.Counter))]),
    )
    for by in (5, -2):
        server.session.execute("UPDATE hits SET value = value + %s WHERE id = %s", (by, key))
    (row,) = server.session.execute("SELECT id, value FROM hits")

    assert 3 == load(row).value


def test_a_type_that_gained_a_field_is_still_read(server):
    """An older model ignores an added field, in values written before and after."""
    column = server.column(Place)
    before = server.returned(Place, Place("a", date.max))
    server.session.execute("ALTER TYPE place ADD extra text", timeout=60)
    server.session.execute(f"INSERT INTO held (id, {column}) VALUES (uuid(), {{city: 'b', extra: 'x'}})")
    rows = server.session.execute(f"SELECT {column} FROM held")
    load = map_annotation(Place).load

    assert Place("a", date.max) == before
    assert {before, Place("b")} == {load(value) for (value,) in rows if value is not None}
