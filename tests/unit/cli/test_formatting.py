"""How the command line prints a plan."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.cli.formatting import plan_text
from scyllamodel.release.ledger.tables import TABLES, missing_tables
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, table

CASSANDRA = ServerProfile("cassandra", (5, 0, 6))
WITHOUT = make_plan(desired(table("t")), schema(keyspace=None), CASSANDRA, create_keyspace=True, topology={"dc1": 1})
INTERNAL = missing_tables("k", KeyspaceFacts("k"), CASSANDRA)
FIRST = attrs.evolve(WITHOUT, bootstrap=(*WITHOUT.bootstrap, *INTERNAL))
LINE = f"  +     Create {len(TABLES)} internal tables for the lock and the history (shown by -v).\n"


def test_internal_tables_are_one_line():
    """The plan of a first run lists the keyspace and its own steps in full, and the internal tables in one line."""
    text = plan_text(FIRST, verbose=False)
    before, _, after = text.partition(LINE)

    assert FIRST.render().splitlines()[0] == before.splitlines()[0]
    assert WITHOUT.render().splitlines()[1:] == (before + after).splitlines()[1:]


def test_verbose_shows_every_statement():
    """With -v the whole plan is printed, as `Plan.render` returns it."""
    assert FIRST.render() == plan_text(FIRST, verbose=True)


def test_internal_tables_alone():
    """A keyspace that lacks only the internal tables has a line for them and no other step."""
    alone = attrs.evolve(WITHOUT, bootstrap=tuple(INTERNAL), steps=())

    assert plan_text(alone, verbose=False).endswith(f"\n\nFirst, before the plan:\n{LINE}".rstrip("\n"))


@pytest.mark.parametrize("verbose", [True, False])
def test_a_plan_without_internal_tables_is_as_it_renders(verbose):
    """Other parts of a plan are not shortened."""
    assert WITHOUT.render() == plan_text(WITHOUT, verbose=verbose)
