"""How internal tables are created: the statements, concurrent runs, and refusals."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel._backoff import Clock
from scyllamodel.errors import ConfigurationError, SchemaDisagreement, StepFailed
from scyllamodel.release.ledger.bootstrap import bootstrap
from scyllamodel.release.ledger.tables import TABLES, missing_tables, table_id
from scyllamodel.schema.apply.control import RunControl
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, Table, TableColumn
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types import parse_type
from support.simulator import Faults, Loss, Simulator

EMPTY = KeyspaceFacts("shop", Keyspace("shop"))


class Server(Simulator):
    """A server that shows internal tables, and ignores CREATE for one that exists."""

    def __init__(self, live=EMPTY, faults=None):
        super().__init__(live, ServerProfile(), faults)
        self.changes = {step.cql: step.change for step in missing_tables("shop", EMPTY, ServerProfile())}

    def introspect(self, keyspace, *, include_internal=False):
        return super().introspect(keyspace) if include_internal else EMPTY

    def _run(self, cql):
        if self.facts.table(self.changes[cql].table.name) is None:
            super()._run(cql)

    def boot(self):
        return bootstrap(self, "shop", control=RunControl(Clock(self.clock, self.sleep)))


def test_all_tables_are_made_with_ids_that_all_derive_alike():
    """Each table is created with IF NOT EXISTS and an id derived from its name, so that concurrent runs agree."""
    server = Server()
    steps = server.boot()

    assert [table.name for table in TABLES] == [step.object.partition(".")[2] for step in steps]
    assert [0] == [step.seq for step in steps][-1:]
    for step, table in zip(steps, TABLES, strict=True):
        assert step.cql.startswith(f"CREATE TABLE IF NOT EXISTS shop.{table.name} (")
        assert f"id = {table_id('shop', table.name)}" in step.cql


def test_an_id_is_of_one_keyspace():
    """The id of a table depends on its keyspace, since ids are unique in a cluster."""
    assert table_id("shop", "scyllamodel_lock") != table_id("audit", "scyllamodel_lock")


def test_a_second_run_sends_nothing_and_still_waits_for_agreement():
    """Existing tables are not created again, but agreement is awaited since a node may not know them yet."""
    server = Server()
    server.boot()
    count, waits = len(server.sent), server.waits

    assert () == server.boot()
    assert (count, waits + 1) == (len(server.sent), server.waits)


@pytest.mark.parametrize(
    "faults",
    [Faults(lost=frozenset({1})), Faults(unsent=frozenset({1})), Faults(busy=frozenset({1, 2})), Faults(late={1: 3})],
)
def test_what_goes_wrong_on_the_way_is_tried_again(faults):
    """Neither a lost answer nor a busy server prevents the tables from being created."""
    server = Server(faults=faults)
    server.boot()

    assert {table.name for table in TABLES} == {table.name for table in server.facts.tables}


@pytest.mark.parametrize("number", range(1, len(TABLES) + 1))
@pytest.mark.parametrize("forgets", range(len(TABLES)))
def test_tables_that_a_lost_node_took_along_are_made_through_the_next(number, forgets):
    """Tables that were lost with a node are created again on the next node."""
    server = Server(faults=Faults(losses={number: Loss(forgets=min(forgets, number))}))
    server.boot()

    assert {table.name for table in TABLES} == {table.name for table in server.facts.tables}
    assert not server.has_moved


@pytest.mark.parametrize("forgets", [0, 2])
def test_a_node_that_is_lost_after_the_last_table_took_them_along(forgets):
    """Tables that are lost with a node after the last statement are created again after the wait for agreement."""
    server = Server(faults=Faults(lost_at_wait={1: forgets}))
    server.boot()

    assert {table.name for table in TABLES} == {table.name for table in server.facts.tables}


def test_a_refusal_is_reported_with_its_statement():
    """Without permission to create tables, the error contains the statement that needs it."""
    with pytest.raises(StepFailed, match=r"no ALTER permission.*\n  CREATE TABLE IF NOT EXISTS"):
        Server(faults=Faults(refused=frozenset({1}))).boot()


def test_disagreement_is_an_error():
    """Schema disagreement ends the run, since a node may not know the tables."""
    with pytest.raises(SchemaDisagreement):
        Server(faults=Faults(disagree=frozenset({1}))).boot()


def test_a_foreign_table_is_refused():
    """A table that has an internal name and other columns is refused."""
    foreign = Table(TABLES[0].name, [TableColumn("id", parse_type("int"), "partition_key")], keyspace="shop")
    with pytest.raises(ConfigurationError, match="is not an internal table of scyllamodel"):
        Server(attrs.evolve(EMPTY, tables=[foreign])).boot()


def test_a_table_of_a_later_format_is_refused():
    """A table with a format of a later release, beyond additional columns, is refused."""
    later = attrs.evolve(TABLES[0], options={"comment": "scyllamodel, format 2"})
    with pytest.raises(ConfigurationError, match="has format 2"):
        Server(attrs.evolve(EMPTY, tables=[later])).boot()


def test_a_later_release_may_have_added_columns():
    """Columns that this release does not know are ignored."""
    server = Server()
    server.boot()
    tables = [
        attrs.evolve(t, columns=[*t.columns, TableColumn("later", parse_type("int"))]) for t in server.facts.tables
    ]
    server.facts = attrs.evolve(server.facts, tables=tables)

    assert () == server.boot()
