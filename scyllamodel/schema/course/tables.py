"""A table whose key cannot become what is wanted: another table beside it, until the old one can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel.model.names import clipped
from scyllamodel.schema.course.sides import Refused, read_cql, snake
from scyllamodel.schema.course.stages import Course, Stage
from scyllamodel.schema.effects import after
from scyllamodel.schema.index_names import LONGEST
from scyllamodel.schema.rules.recipes import spare
from scyllamodel.schema.source import Called
from scyllamodel.schema.writers import shell_line
from scyllamodel.types.values import is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Index, Table, TableColumn


@attrs.frozen
class _Pair:
    """The old table and the new one.

    Attributes:
        cls: the class of the new one, while both are there.
    """

    case: Refused
    new: Table
    cls: str

    @property
    def function(self) -> str:
        """The name of the function that makes a row of the new table."""
        return f"to_{snake(self.cls)}"

    @property
    def converts(self) -> bool:
        """Whether rows do not simply keep their values under their names."""
        stored = {column.name: column for column in self.case.stored}
        return any(c.name not in stored or stored[c.name].type != c.type for c in self.new if c.in_key) or any(
            c.name in stored and stored[c.name].type != c.type for c in self.new
        )


def table_course(case: Refused) -> Course:
    """The course for a table with another key."""
    name = spare(case.table.name, {*(t.name for t in case.found.tables), *(v.name for v in case.found.views)})
    taken = {index.name for table in case.found.tables for index in table.indexes}
    indexes = [_renamed(index, case.table, name, taken) for index in case.table.indexes]
    columns = [attrs.evolve(column, renamed_from=None) for column in case.table]
    new = attrs.evolve(case.table, name=name, columns=columns, indexes=indexes, renamed_from=None)
    pair = _Pair(case, new, f"{case.cls}{name.removeprefix(case.table.name).strip('_')}")
    stages = (_expand(pair), _write(pair), _backfill(pair), _switch(pair), _contract(pair))
    return Course(f"{case.found.name}.{case.table.name}", case.reasons, stages, case.others)


def _renamed(index: Index, table: Table, new: str, taken: set[str]) -> Index:
    """An index of the new table; names of indexes are unique in a keyspace."""
    if index.named:
        return attrs.evolve(index, name=spare(index.name, taken))
    return attrs.evolve(index, name=clipped(index.name.replace(table.name, new, 1), LONGEST, "_idx"))


def _called(pair: _Pair, *, alone: bool = False) -> Called:
    called, old, new = pair.case.called, pair.case.table.name, pair.new.name
    attributes = called.attributes.get(old, {})
    classes = {**called.classes, ("table", new): pair.case.cls if alone else pair.cls}
    return attrs.evolve(called, classes=classes, attributes={**called.attributes, new: attributes})


def _expand(pair: _Pair) -> Stage:
    case = pair.case
    return Stage(
        "expand",
        f"Keep {case.cls} as it is stored, and declare {pair.cls} with the wanted key beside it. Deploy, and migrate.",
        case.source([case.stored, pair.new], _called(pair), f"{case.cls}, and {pair.cls} with the wanted key."),
        tuple(step.cql for step in case.plan(pair.new).steps),
        ("scyllamodel migrate",),
    )


def _write(pair: _Pair) -> Stage:
    case, row, old = pair.case, pair.case.variable, {column.name for column in pair.case.stored}
    given = [_given(case, column, known=column.name in old) for column in pair.new]
    lines = [
        f"def {pair.function}({row}: {case.cls}) -> {pair.cls}:",
        f'    """The row of {pair.new.name} for a row of {case.table.name}."""',
        f"    return {pair.cls}(",
        *(f"        {line}" for line in given),
        "    )",
        "",
        "",
        f"# wherever a {case.cls} is saved or deleted:",
        "with repo.batch() as batch:",
        f"    batch.save({row})",
        f"    batch.insert({pair.function}({row}))",
    ]
    text = (
        f"Write both tables wherever {case.cls} is written, deletes and updates included, and go on reading "
        f"{case.cls}. Deploy to every replica before the next stage: what one of them writes to the old table alone "
        "would be missing."
    )
    return Stage("write both", text, "\n".join(lines))


def _given(case: Refused, column: TableColumn, *, known: bool) -> str:
    name = case.attribute(column.name)
    if known and case.stored[column.name].type == column.type:
        return f"{name}={case.variable}.{name},"
    if known:
        return f"{name}=…,  # made of {case.variable}.{name}"
    return f"{name}=…,  # say what" if column.in_key else f"# {name} is new"


def _backfill(pair: _Pair) -> Stage:
    case = pair.case
    names = [quote(column.name) for column in case.stored]
    timed = [quote(c.name) for c in case.stored if not c.in_key and not is_multi_cell(c.type)]
    names += [f"{of}({name})" for name in timed for of in ("writetime", "ttl")]
    where = qualified(case.found.name, pair.new.name)
    convert = f" --convert {case.module}:{pair.function}" if pair.converts else ""
    given = f", convert={pair.function}" if pair.converts else ""
    return Stage(
        "backfill",
        "Copy the rows of before. It may be killed and called again, and run while the application writes: each value "
        "keeps its own time, so what was written later stays. Try it with --dry-run first.",
        f"backfill(repo, {case.cls}, into={pair.cls}{given})",
        (
            read_cql(case.stored, case.where, names),
            f"INSERT INTO {where} (…) VALUES (…) USING TTL ? AND TIMESTAMP ?",  # noqa: S608 - names of ours
        ),
        (f"scyllamodel backfill {case.cls} --into {pair.cls}{convert}",),
    )


def _switch(pair: _Pair) -> Stage:
    case = pair.case
    return Stage(
        "switch",
        f"Read {pair.cls} instead of {case.cls}, still writing both. When every replica does, stop writing {case.cls}, "
        "and declare the new table alone, under the old name of the class if you like.",
        case.source([pair.new], _called(pair, alone=True), f"{case.cls}, with the wanted key."),
    )


def _contract(pair: _Pair) -> Stage:
    case = pair.case
    live = case.found
    for step in case.plan(pair.new).steps:
        if step.change is not None:
            live = after(step.change, live)
    views = [view.name for view in case.found.views if view.base == case.table.name]
    allow = [*(f"DS105:{name}" for name in views), f"DS102:{case.table.name}"]
    text = f"When no release that knows {case.table.name} runs any more, drop it. Its rows are lost then."
    if views:
        text += f" Its views {', '.join(views)} go with it: declare those that are needed over {pair.new.name} first."
    return Stage(
        "contract",
        text,
        cql=tuple(case.contract([pair.new], live, allow).cql),
        commands=("scyllamodel contract " + " ".join(shell_line("--allow", code) for code in allow),),
    )
