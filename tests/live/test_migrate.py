"""From classes to a migrated schema on a real server: plan, apply, and nothing to do the second time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID, uuid1, uuid4

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.query import tuple_factory

from scyllamodel import (
    Column,
    ImpossibleChange,
    Index,
    KeyspaceError,
    MaterializedView,
    Model,
    StalePlan,
    TableOptions,
    UserType,
    check,
    clustering_key,
    column,
    create_keyspace,
    inspect,
    migrate,
    partition_key,
    plan,
    status,
)
from scyllamodel import types as cql
from scyllamodel.release.ledger.tables import TABLES

pytestmark = pytest.mark.live


class Place(UserType, name="place"):
    city: str
    zip_code: str | None = None


class Address(UserType, name="address"):
    street: str
    place: Place | None = None


class Order(
    Model,
    repo="road",
    table="orders",
    indexes=[Index("status"), Index("total", name="orders_total_k")],
    options=TableOptions(default_time_to_live=86400, compaction={"class": "LeveledCompactionStrategy"}),
):
    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    status: Column[str] = column(default="new")
    total: Column[Decimal] = column()
    ship_to: Column[cql.Frozen[Address] | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    shop_name: Column[str | None] = column(static=True, default=None)


class OrderByStatus(MaterializedView, of=Order, view="orders_by_status"):
    status: Column[str] = partition_key()
    shop: Column[UUID] = clustering_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    total: Column[Decimal] = column()


class Hits(Model, repo="road", table="hits"):
    page: Column[str] = partition_key()
    seen: Column[cql.Counter] = column()


@pytest.fixture(scope="module")
def repo(scylla_repo, scylla_cluster):
    """The module's keyspace, under the name that the models here are bound to."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="road") as new_repo:
        yield new_repo


@pytest.fixture
def evolve(repo, scylla_cluster):
    """A second repo on the same keyspace, for newer classes of the same table."""
    repos = []

    def new_repo():
        repos.append(scylla_cluster.repo(repo.keyspace, name=f"road_{uuid4().hex[:8]}"))
        return repos[-1]

    yield new_repo
    for each in repos:
        each.close()


def test_first_sync_applies_what_the_dry_run_showed_and_the_second_is_empty(repo):
    """Dry run, run and check list the same statements; afterwards there are none."""
    events = []
    dry = migrate(repo, dry_run=True)
    result = Model.sync_all(repo, on_event=events.append)

    assert ("planned", "applied") == (dry.status, result.status)
    assert dry.plan.cql == result.plan.cql
    assert dry.plan.fingerprint == result.plan.fingerprint
    assert ["applied"] * len(dry.plan.cql) == [step.state for step in result.steps]
    assert {"plan_ready", "lock_taken", "step_started", "step_done", "agreement_waiting", "finished"} == {
        e.kind for e in events
    }
    assert (1, result.version) == (result.lock.epoch, status(repo).version)
    assert "in_sync" == Model.sync_all(repo).status
    assert [] == plan(repo).cql
    assert check(repo).in_sync


def test_a_failing_listener_is_ignored(repo, evolve, caplog):
    """An exception of a listener is logged, and the migration succeeds."""
    migrate(repo)
    newer = evolve()

    class Order(Model, repo=newer.name, table="orders"):
        shop: Column[UUID] = partition_key()
        placed: Column[cql.TimeUUID] = clustering_key(descending=True)
        heard: Column[str | None] = column(default=None)

    def fails(event):
        raise RuntimeError(event.kind)

    result = migrate(newer, on_event=fails)

    assert "applied" == result.status
    assert "a listener failed at the event finished" in caplog.text


def test_a_row_goes_there_and_back(repo):
    """A row that a model binds is loaded equal after it was stored."""
    migrate(repo)
    order = Order(
        shop=uuid4(),
        placed=uuid1(),
        total=Decimal("12.50"),
        ship_to=Address(street="Main St", place=Place(city="Oslo")),
        tags={"a", "b"},
        lines={"x": 1},
        shop_name="corner",
    )
    names = ", ".join(c.db_name for c in Order.__columns__.values())
    marks = ", ".join("?" * len(Order.__columns__))
    session = repo.session
    session.execute(session.prepare(f"INSERT INTO {repo.keyspace}.orders ({names}) VALUES ({marks})"), order.__bind__())
    profile = session.execution_profile_clone_update(EXEC_PROFILE_DEFAULT, row_factory=tuple_factory)
    (row,) = session.execute(f"SELECT {names} FROM {repo.keyspace}.orders", execution_profile=profile)

    assert order == Order.__load__(row)


def test_an_added_column_is_one_statement_and_rows_stay(repo, evolve):
    """Two added columns, one static, are one ALTER; columns that the new class lacks are noted, and rows stay."""
    migrate(repo)
    before = repo.session.execute(f"SELECT count(*) FROM {repo.keyspace}.orders").one()[0]
    newer = evolve()

    class Order(Model, repo=newer.name, table="orders"):
        shop: Column[UUID] = partition_key()
        placed: Column[cql.TimeUUID] = clustering_key(descending=True)
        note: Column[str | None] = column(default=None)
        rank: Column[cql.Int] = column(default=0, static=True)

    result = migrate(newer)

    assert [f"ALTER TABLE {repo.keyspace}.orders ADD (rank int STATIC, note text)"] == [
        " ".join(text.split()) for text in result.plan.cql
    ]
    assert {"BC103"} == {note.code for note in result.plan.notes}
    assert before == repo.session.execute(f"SELECT count(*) FROM {repo.keyspace}.orders").one()[0]
    assert "in_sync" == migrate(newer).status
    assert "in_sync" == migrate(repo).status


def test_what_cql_cannot_do_is_refused_whole_and_nothing_runs(repo, evolve):
    """Type, key, static and frozen changes are four refusals in one error, and not even the possible part runs."""
    migrate(repo)
    other_repo = evolve()

    class Order(Model, repo=other_repo.name, table="orders"):
        shop: Column[UUID] = partition_key()
        placed: Column[cql.TimeUUID] = clustering_key()
        total: Column[str] = column()
        tags: Column[cql.Frozen[set[str]]] = column()
        status: Column[str] = column(static=True)
        brand_new: Column[str] = column(default="")

    facts = inspect(repo)
    with pytest.raises(ImpossibleChange) as exc_info:
        migrate(other_repo)

    assert {"PK102", "TY101", "TY103", "TY104"} == {refusal.code for refusal in exc_info.value.refusals}
    assert facts == inspect(repo)


def test_a_missing_keyspace_is_an_error_unless_it_is_asked_for(scylla_cluster):
    """A missing keyspace is created only on request, apart from the plan's statements."""
    name = f"road_ks_{uuid4().hex[:8]}"

    class Thing(Model, repo=name, table="things"):
        id: Column[UUID] = partition_key()

    with scylla_cluster.repo(name, name=name, create_keyspace=False) as repo:
        with pytest.raises(KeyspaceError, match="does not exist"):
            migrate(repo)
        migration_plan = plan(repo, create_keyspace=True)
        result = migrate(repo, create_keyspace=True)
        repo.session.execute(f"DROP KEYSPACE {name}", timeout=60)

    assert ["create_keyspace", *["add_table"] * len(TABLES)] == [step.op for step in migration_plan.bootstrap]
    assert 1 == len(migration_plan.cql)
    assert result.plan.fingerprint == migration_plan.fingerprint
    assert ("applied", 2) == (result.status, len(result.steps))


def test_create_keyspace_tells_whether_it_did(scylla_cluster):
    """The first call creates the keyspace, the second finds it."""
    name = f"road_ck_{uuid4().hex[:8]}"
    with scylla_cluster.repo(name) as repo:
        first, second = create_keyspace(repo), create_keyspace(repo)
        repo.session.execute(f"DROP KEYSPACE {name}", timeout=60)

    assert (True, False) == (first.created, second.created)
    assert first.replication == second.replication
    assert "NetworkTopologyStrategy" == first.replication["class"]


def test_a_plan_that_no_longer_fits_is_refused(repo, evolve):
    """A column that was added manually between plan and apply stops the apply, and the error names it."""
    migrate(repo)
    newer = evolve()

    class Order(Model, repo=newer.name, table="orders"):
        shop: Column[UUID] = partition_key()
        placed: Column[cql.TimeUUID] = clustering_key(descending=True)
        by_hand: Column[str] = column(default="")
        other: Column[str] = column(default="")

    migration_plan = plan(newer)
    repo.session.execute(f"ALTER TABLE {repo.keyspace}.orders ADD by_hand text", timeout=60)

    with pytest.raises(StalePlan) as exc_info:
        migrate(newer, plan=migration_plan)

    assert any("by_hand" in line for line in exc_info.value.moved)
    assert ["other"] == [word for word in ("by_hand", "other") if word in "".join(plan(newer).cql)]


def test_several_processes_start_at_once(scylla_cluster):
    """Concurrent runs on an empty cluster all succeed, whatever partial state they see."""
    models = []
    for number in range(8):

        class Page(Model, repo="road_race", table=f"page_{number}"):
            id: Column[UUID] = partition_key()

        models.append(Page)

    def run(keyspace):
        with scylla_cluster.repo(keyspace, name="road_race") as repo:
            return migrate(repo, create_keyspace=True).status

    names = [f"road_race_{uuid4().hex[:8]}" for _ in range(6)]
    with ThreadPoolExecutor(4) as threads:
        results = [[future.result() for future in [threads.submit(run, name) for _ in range(4)]] for name in names]
    with scylla_cluster.repo("system") as repo:
        for name in names:
            repo.session.execute(f"DROP KEYSPACE {name}", timeout=60)

    assert [1] * 6 == [statuses.count("applied") for statuses in results]
    assert {"applied", "waited", "in_sync"} >= {status for statuses in results for status in statuses}
    assert 8 == len(models)


def test_resources_bring_along_what_they_need(scylla_cluster, scylla_repo):
    """A chosen model is planned with its types, indexes and views, and without the other models."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="road") as repo:
        repo.session.execute(f"DROP KEYSPACE {repo.keyspace}", timeout=60)
        only = plan(repo, resources=[Order], create_keyspace=True)
        by_name = plan(repo, resources=["Order"], create_keyspace=True)
        create_keyspace(repo)

    assert {"address", "place", "orders", "orders_status_idx", "orders_total_k", "orders_by_status"} == {
        step.object.rpartition(".")[2] for step in only.steps
    }
    assert only.cql == by_name.cql
