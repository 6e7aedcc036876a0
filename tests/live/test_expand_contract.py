"""Expand/contract plans for changes that CQL lacks, run to their end on a real server as they are printed."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from uuid import uuid4

import pytest

from scyllamodel import (
    ConfigurationError,
    backfill,
    check,
    contract,
    expand,
    expand_async,
    inspect,
    migrate,
    plan,
    select,
)
from scyllamodel.release.backfill import run as backfilling
from support.json_schemas import faults

pytestmark = pytest.mark.live

HEAD = """
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from scyllamodel import Column, Index, MaterializedView, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql

class Place(UserType, name="place"):
    street: str
"""
ORDER = '''
class Order(Model, table="orders", repo="REPO"):
    """A purchase."""

    shop: Column[int] = partition_key()
    number: Column[int] = clustering_key(NUMBER)
    total: Column[int | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set, db_name="Tags")
    note: Column[str | None] = column(default=None)
    at: Column[cql.Frozen[Place] | None] = column(default=None)
'''
DECIMAL = "Column[Decimal | None] = column(default=None)"


@pytest.fixture(autouse=True)
def few_ranges(monkeypatch):
    """Read tables in few token ranges, which is faster."""
    monkeypatch.setattr(backfilling, "RANGES", 8)


class App:
    """An application whose models module is rewritten for each release."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.keyspace = f"expand_{uuid4().hex[:8]}"
        self.opened, self.modules = [], []

    def release(self, source, *, more=""):
        """The repo and the models module of a release."""
        repo = f"r{uuid4().hex[:8]}"
        name = f"app_{uuid4().hex[:8]}"
        path = self.folder / f"{name}.py"
        path.write_text(re.sub(r"repo=['\"]\w+['\"]", f"repo={repo!r}", source) + more, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        result = self.cluster.repo(self.keyspace, name=repo, create_keyspace=True)
        self.opened.append(result)
        self.modules.append(name)
        return result, module

    def column(self, name):
        """The CQL type of a column, or None if it does not exist."""
        live_table = inspect(self.opened[-1])[self.keyspace].table("orders")
        return live_table[name].type.cql if live_table is not None and name in live_table else None


@pytest.fixture
def app(scylla_cluster, tmp_path, monkeypatch):
    """An application with its own keyspace; all its releases share one ledger scope."""
    monkeypatch.setattr("scyllamodel.release.engine.ledger_access.ledger_scope", lambda keyspace, _: f"{keyspace}/app")
    new_app = App(scylla_cluster, tmp_path)
    yield new_app
    if new_app.opened:
        new_app.opened[0].raw(f"DROP KEYSPACE IF EXISTS {new_app.keyspace}")
    for repo in new_app.opened:
        repo.close()


def order(*, number="", **more):
    """The source of a release: the given attributes replace those of the same name or are added."""
    lines = (HEAD + ORDER.replace("NUMBER", number)).splitlines()
    for name, declared in more.items():
        index = next((position for position, line in enumerate(lines) if line.startswith(f"    {name}: ")), len(lines))
        lines[index : index + 1] = [f"    {name}: {declared}"] if declared else []
    return "\n".join(lines) + "\n"


def first_release(app, source=None):
    """Deploy a first release with rows. Returns its rows by number."""
    repo, module = app.release(source or order())
    migrate(repo)
    rows = [module.Order(shop=n % 3, number=n, total=n, tags={f"t{n}"}, note="x") for n in range(30)]
    repo.save_many(rows)
    return rows


def stage(expand_plan, name):
    """The stage with this name."""
    return next(stage for stage in expand_plan.stages if stage.name == name)


def run_expand(app, expand_plan, gaps=None):
    """Run the stages expand, write both and backfill as they are printed, with the gaps filled in."""
    first = stage(expand_plan, "expand")
    writing = stage(expand_plan, "write both").python.partition("# wherever")[0]
    for gap, value in (gaps or GAPS).items():
        writing = writing.replace(gap, value)
    repo, module = app.release(first.python, more="\n\n" + writing)
    result = migrate(repo)

    assert list(first.cql) == [step.cql for step in result.plan.steps]
    assert check(repo).in_sync

    call = stage(expand_plan, "backfill").python
    report = eval(call, {**vars(module), "repo": repo, "backfill": backfill})

    assert (True, 30, 30) == (report.finished, report.rows_in, report.rows_out)


def run_contract(app, expand_plan):
    """Run the stages switch and contract. Returns the repo and module of the last release."""
    repo, module = app.release(stage(expand_plan, "switch").python)

    assert [] == plan(repo).cql
    last = stage(expand_plan, "contract")
    allow = re.findall(r"--allow (\S+)", last.commands[0])
    result = contract(repo, allow=allow)

    assert list(last.cql) == [step.cql for step in result.plan.steps]
    assert check(repo, strict=True).in_sync
    return repo, module


INDEXED = "Column[int | None] = column(default=None, index=True)"
COLUMNS = {
    "type": ("total", order(total=DECIMAL), ("total", "bigint"), ("total_2", "decimal")),
    "frozen": (
        "tags", order(tags='Column[cql.Frozen[set[str]] | None] = column(default=None, db_name="Tags")'),
        ("Tags", "set<text>"), ("Tags_2", "frozen<set<text>>"),
    ),
    "static": (
        "note", order(note="Column[str | None] = column(default=None, static=True)"),
        ("note", "text"), ("note_2", "text"),
    ),
    "indexed": (
        "total", order(total="Column[Decimal | None] = column(default=None, index=True)"),
        ("total", "bigint"), ("total_2", "decimal"),
    ),
    "name": (
        "sum", order(total=None, sum='Column[int | None] = column(default=None, renamed_from="total")'),
        ("total", "bigint"), ("sum", "bigint"),
    ),
}  # fmt: skip
VALUES = {"total": lambda n: n, "sum": lambda n: n, "tags": lambda n: {f"t{n}"}, "note": lambda _: "x"}


@pytest.mark.parametrize(("attribute", "desired_source", "old", "new"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_passes_all_stages(app, attribute, desired_source, old, new):
    """A column passes all stages of its plan, from the refusal to the final drop, with every value."""
    first_release(app, order(total=INDEXED) if "index=" in desired_source else None)
    repo, module = app.release(desired_source)
    before = plan(repo)
    expand_plan = expand(repo, getattr(module.Order, attribute))

    assert [refusal.code for refusal in before.refusals] == [reason.code for reason in expand_plan.reasons]
    assert f"{app.keyspace}.orders.{old[0]}" == expand_plan.object
    run_expand(app, expand_plan)
    assert (old[1], new[1]) == (app.column(old[0]), app.column(new[0]))
    repo, module = run_contract(app, expand_plan)

    assert (None, new[1]) == (app.column(old[0]), app.column(new[0]))
    assert {n: VALUES[attribute](n) for n in range(30)} == {
        row.number: getattr(row, attribute) for row in repo.all(select(module.Order).whole_table())
    }


def test_an_unknown_conversion_is_left_open(app):
    """A conversion that cannot be derived is a named function without a body, which the backfill command refers to."""
    first_release(app)
    repo, module = app.release(order(total="Column[datetime | None] = column(default=None)"))
    expand_plan = expand(repo, module.Order.total)

    assert "return …  # convert the value" in stage(expand_plan, "write both").python
    assert (f"scyllamodel backfill Order.total --into total_2 --convert {module.__name__}:to_total_2",) == stage(
        expand_plan, "backfill"
    ).commands


TABLES = {
    "clustering order": (order(number="descending=True"), ["PK102"]),
    "partition key": (order().replace("clustering_key()", "partition_key()"), ["PK101", "PK102"]),
    "another key type": (order().replace("number: Column[int]", "number: Column[str]"), ["TY101"]),
    "new key column": (order(day="Column[int] = clustering_key()"), ["PK103"]),
}
GAPS = {"number=…,  # convert order.number": "number=str(order.number),", "day=…,  # a value for the key": "day=7,"}


@pytest.mark.parametrize(("desired_source", "codes"), TABLES.values(), ids=TABLES)
def test_a_key_passes_all_stages(app, desired_source, codes):
    """A changed key passes all stages through a second table, which has all rows in the end."""
    first_release(app)
    repo, module = app.release(desired_source)
    expand_plan = expand(repo, module.Order)

    assert codes == [reason.code for reason in expand_plan.reasons]
    run_expand(app, expand_plan)
    repo, module = run_contract(app, expand_plan)

    assert "orders_2" == module.Order.__facts__.name
    assert {(str(n), n, frozenset({f"t{n}"})) for n in range(30)} == {
        (str(row.number), row.total, frozenset(row.tags)) for row in repo.all(select(module.Order).whole_table())
    }


TYPES = """
class Place(UserType, name="place"):
    street: str
    floor: FLOOR

class Home(UserType, name="home"):
    place: cql.Frozen[Place]
"""


def test_a_user_type_passes_all_stages(app):
    """A user type nested in another passes all stages: each gets a second type, and values are converted."""
    source = order(homes="Column[dict[str, cql.Frozen[Home]]] = column(factory=dict)")
    head, _, rest = source.partition("class Order")
    before, after = (f"{head}{TYPES.replace('FLOOR', kind)}\nclass Order{rest}" for kind in ("int", "str"))
    first_release(app, before)
    first = app.opened[-1]
    orders = sys.modules[app.modules[-1]]
    home = orders.Home(place=orders.Place(street="High", floor=3))
    first.save_many([orders.Order(shop=n % 3, number=n, homes={"a": home}) for n in range(30)])
    repo, module = app.release(after)
    expand_plan = expand(repo, "Order.homes")

    assert ["UD102"] == [reason.code for reason in expand_plan.reasons]
    assert [] == [cql for cql in stage(expand_plan, "expand").cql if "DROP" in cql]
    gap = "{key: Home2(place=Place2(street=v.place.street, floor=str(v.place.floor))) for key, v in value.items()}"
    run_expand(app, expand_plan, {"…  # convert the value": gap})
    repo, module = run_contract(app, expand_plan)
    (row,) = repo.all(select(module.Order).where(module.Order.shop == 1, module.Order.number == 1))

    assert {"a": module.Home2(place=module.Place2(street="High", floor="3"))} == row.homes


def test_other_refusals_are_reported_and_left_unchanged(app):
    """Other refused changes are listed and need their own plan; the plan for the first can still be run."""
    first_release(app)
    desired_source = order(total=DECIMAL).replace("note: Column[str", "note: Column[int")
    repo, _ = app.release(desired_source)
    expand_plan = expand(repo, "Order.total")

    assert ["TY101"] == [other.code for other in expand_plan.others]
    assert [f"{app.keyspace}.orders.note"] == [other.object for other in expand_plan.others]
    assert "note: Column[str | None]" in stage(expand_plan, "expand").python
    run_expand(app, expand_plan)


def test_an_expand_plan_is_printed_as_text_and_json(app):
    """A plan is printed as Markdown with all stages and commands, and as JSON that conforms to its schema."""
    first_release(app)
    repo, _ = app.release(order(total=DECIMAL))
    expand_plan = expand(repo, "orders.total")
    text = expand_plan.render()

    assert [] == faults(expand_plan.to_dict())
    assert ["Expand", "Write both", "Backfill", "Switch", "Contract"] == re.findall(
        r"^## \d\. (.+)$", text, re.MULTILINE
    )
    assert "ALTER TABLE " in text
    assert "scyllamodel backfill Order.total --into total_2 --convert " in text
    assert "scyllamodel contract --allow DS103:orders.total" in text


async def _awaited(repo):
    return await expand_async(repo.aio(), "Order.total")


def test_it_can_be_awaited(app):
    """The awaited function returns the same plan as the blocking one."""
    first_release(app)
    repo, _ = app.release(order(total=DECIMAL))

    assert expand(repo, "Order.total") == asyncio.run(_awaited(repo))


NOTHING = [
    ("Order.note", "Nothing of Order.note is refused"),
    ("Order.shop", "Nothing of Order.shop is refused.*of Order it is total"),
    ("Order.totl", "did you mean 'total'"),
    ("Ordr", "did you mean 'Order'"),
]


@pytest.mark.parametrize(("what", "messages"), NOTHING)
def test_an_allowed_change_has_no_expand_plan(app, what, messages):
    """A change that is not refused has no plan; an unknown name is reported with the most similar valid one."""
    first_release(app)
    repo, _ = app.release(order(total=DECIMAL))

    with pytest.raises(ConfigurationError, match=messages):
        expand(repo, what)


VIEW = """

class ByTotal(MaterializedView, of=Order, view="by_total"):
    total: Column[int] = partition_key()
    shop: Column[int] = clustering_key()
    number: Column[int] = clustering_key()
"""


def test_views_of_a_table_are_named(app):
    """The contract stage of a key change names the views that are dropped with the old table."""
    first_release(app, order() + VIEW)
    other, _ = app.release(order(number="descending=True"))

    assert "Its views by_total are dropped with it" in stage(expand(other, "Order"), "contract").text
    assert "--allow DS105:by_total" in stage(expand(other, "Order"), "contract").commands[0]


BESIDE = """

class ByNote(MaterializedView, of=Order, view="by_note"):
    note: Column[str] = partition_key()
    shop: Column[int] = clustering_key()
    number: Column[int] = clustering_key()
"""


@pytest.mark.parametrize("views", [VIEW, BESIDE, VIEW + BESIDE], ids=["showing", "beside", "both"])
def test_a_column_of_a_table_with_views_passes_all_stages(app, views):
    """Views that prevent the drop of the column are dropped first, and created again over the new column."""
    first_release(app, order() + views)
    desired_source = views.replace("total: Column[int]", "total: Column[Decimal]")
    repo, module = app.release(order(total=DECIMAL) + desired_source)
    expand_plan = expand(repo, module.Order.total)

    assert [] == faults(expand_plan.to_dict())
    run_expand(app, expand_plan)
    repo, module = app.release(stage(expand_plan, "switch").python)
    assert [] == plan(repo).cql

    last = stage(expand_plan, "contract")
    repo, module = app.release(last.python or stage(expand_plan, "switch").python)
    result = contract(repo, allow=re.findall(r"--allow (\S+)", last.commands[0]))
    assert list(last.cql) == [step.cql for step in result.plan.steps]

    view_stages = [stage for stage in expand_plan.stages if stage.name == "views"]
    for item in view_stages:
        repo, module = app.release(item.python)
        result = migrate(repo, wait_built=True)
        assert list(item.cql) == [step.cql for step in result.plan.steps]

    assert check(repo, strict=True).in_sync
    names = {"by_total"} & {v.name for v in inspect(repo)[repo.keyspace].views}
    assert names == ({"by_total"} if views != BESIDE else set())
    assert "Decimal" in (view_stages[0].python if views != BESIDE else "Decimal")
