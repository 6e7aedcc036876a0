"""A column that cannot become what is wanted: another one beside it, until the old one can go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel._identifiers import quote
from scyllamodel.model.names import clipped
from scyllamodel.schema.course.sides import Refused, read_cql
from scyllamodel.schema.course.stages import Course, Stage
from scyllamodel.schema.course.views import ViewsInTheWay, views_stage
from scyllamodel.schema.effects import after
from scyllamodel.schema.index_names import LONGEST
from scyllamodel.schema.rules.recipes import annotation, copied_by, spare
from scyllamodel.schema.source import Called
from scyllamodel.schema.writers import shell_line
from scyllamodel.types.values import freeze, is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Index, KeyspaceFacts, Table, TableColumn
    from scyllamodel.schema.plan import Plan

_CALLABLE: Final = frozenset({"str", "int", "float", "Decimal", "UUID", "bytes"})
"""What makes its values of others."""


@attrs.frozen
class _Pair:
    """The old column and the new one.

    Attributes:
        was: the attribute of the old one; becomes: that of the new one, while both are there.
        stays: that of the new one once it is alone.
        views: what stands in the way of dropping the old one.
    """

    case: Refused
    old: TableColumn
    new: TableColumn
    was: str
    becomes: str
    stays: str
    views: ViewsInTheWay

    @property
    def converts(self) -> bool:
        """Whether values have to become others."""
        return freeze(self.old.type) != freeze(self.new.type)

    @property
    def function(self) -> str:
        """The name of the function that does it."""
        return f"to_{self.becomes}"


def column_course(case: Refused, old: TableColumn, wanted: TableColumn) -> Course:
    """The course for one column.

    Parameters:
        old: as it is stored; wanted: as the model declares it, perhaps under another name.
    """
    taken = {column.name for table in (case.stored, case.table) for column in table}
    name = spare(old.name, taken) if wanted.renamed_from is None else wanted.name
    new = attrs.evolve(wanted, name=name, renamed_from=None)
    was, becomes = _attributes(case, old, wanted, new)
    views = ViewsInTheWay.of(case, old, wanted, new)
    pair = _Pair(case, old, new, was, becomes, was if wanted.renamed_from is None else becomes, views)
    expanded = _expanded(case, pair, wanted)
    final = attrs.evolve(
        expanded,
        columns=[column for column in expanded if column.name != old.name],
        indexes=[index for index in expanded.indexes if index.column != old.name],
    )
    stages = (
        _expand(pair, expanded),
        _write(pair),
        _backfill(pair),
        _switch(pair, final),
        *_contract(pair, expanded, final),
    )
    return Course(f"{case.found.name}.{case.table.name}.{old.name}", case.reasons, stages, case.others)


def _attributes(case: Refused, old: TableColumn, wanted: TableColumn, new: TableColumn) -> tuple[str, str]:
    """What both columns are called while they stand side by side."""
    if wanted.renamed_from is not None:
        return case.attribute(old.name), case.attribute(wanted.name)
    was = case.attribute(old.name)
    return was, was + new.name.removeprefix(old.name)


def _expanded(case: Refused, pair: _Pair, wanted: TableColumn) -> Table:
    """The table with both columns; what else is refused stays as it is stored."""
    stored = {column.name: column for column in case.stored}
    others = [c for c in case.table if c.name not in (pair.old.name, wanted.name)]
    kept = [stored.get(c.name, c) if (c.name in stored and _differs(stored[c.name], c)) else c for c in others]
    kept = [attrs.evolve(column, renamed_from=None) for column in kept]
    indexes = [i for i in case.table.indexes if i.column not in (pair.old.name, wanted.name)]
    indexes += [i for i in case.stored.indexes if i.column == pair.old.name]
    indexes += [_retargeted(case, i, pair) for i in case.table.indexes if i.column == wanted.name]
    return attrs.evolve(case.table, columns=[*kept, pair.old, pair.new], indexes=indexes, renamed_from=None)


def _differs(stored: TableColumn, declared: TableColumn) -> bool:
    return (stored.type, stored.kind) != (declared.type, declared.kind)


def _retargeted(case: Refused, index: Index, pair: _Pair) -> Index:
    """The index of the wanted column on the new one; its name is free, since the old index keeps its own."""
    name = clipped(f"{case.table.name}_{pair.new.name}_idx", LONGEST, "_idx")
    return attrs.evolve(index, column=pair.new.name, name=name)


def _expand(pair: _Pair, expanded: Table) -> Stage:
    case = pair.case
    plan = case.plan(expanded)
    return Stage(
        "expand",
        f"Declare {pair.becomes} beside {pair.was}, which stays as it is stored. Deploy, and migrate.",
        case.source([expanded], _called(pair, {pair.new.name: pair.becomes}), f"{case.cls}, with both columns."),
        tuple(step.cql for step in plan.steps),
        ("scyllamodel migrate",),
    )


def _called(pair: _Pair, more: dict[str, str]) -> Called:
    called, table = pair.case.called, pair.case.table.name
    known = {**called.attributes.get(table, {}), pair.old.name: pair.was, **more}
    return attrs.evolve(called, attributes={**called.attributes, table: known})


def _write(pair: _Pair) -> Stage:
    case, row = pair.case, pair.case.variable
    value = f"{row}.{pair.was}"
    lines: list[str] = []
    if pair.converts:
        value = f"{pair.function}({value})"
        lines += [
            f"def {pair.function}(value: {annotation(pair.old.type)}) -> {annotation(pair.new.type)}:",
            f'    """What {pair.becomes} holds for a {pair.was}."""',
            f"    return {_conversion(annotation(pair.new.type))}",
            "",
            "",
        ]
    lines += [
        f"# wherever {pair.was} is written:",
        f"{row}.{pair.becomes} = {value}",
        f"repo.save({row})",
        f"# and in updates: .set({case.cls}.{pair.was}.to(x), {case.cls}.{pair.becomes}.to(…))",
    ]
    text = (
        f"Write both columns wherever {pair.was} is written, and go on reading {pair.was}. Deploy to every replica "
        "before the next stage: what one of them writes to the old column alone would be missing."
    )
    return Stage("write both", text, "\n".join(lines))


def _conversion(hint: str) -> str:
    name = {"cql.Int": "int", "cql.SmallInt": "int", "cql.TinyInt": "int", "cql.VarInt": "int"}.get(hint, hint)
    return f"{name}(value)" if name in _CALLABLE else "…  # say how"


def _backfill(pair: _Pair) -> Stage:
    case = pair.case
    key = [quote(column.name) for column in copied_by(case.stored, pair.new)]
    old, new = quote(pair.old.name), quote(pair.new.name)
    timed = [] if is_multi_cell(pair.old.type) else [f"writetime({old})", f"ttl({old})"]
    found = " AND ".join(f"{name} = ?" for name in key)
    convert = f" --convert {case.module}:{pair.function}" if pair.converts else ""
    given = f", convert={pair.function}" if pair.converts else ""
    return Stage(
        "backfill",
        "Copy the values of before. It may be killed and called again, and run while the application writes: each "
        "value keeps its own time, so what was written later stays. Try it with --dry-run first.",
        f"backfill(repo, {case.cls}.{pair.was}, into={case.cls}.{pair.becomes}{given})",
        (
            read_cql(case.stored, case.where, [*key, old, *timed]),
            f"UPDATE {case.where} USING TTL ? AND TIMESTAMP ? SET {new} = ? WHERE {found}",  # noqa: S608 - names of ours
        ),
        (f"scyllamodel backfill {case.cls}.{pair.was} --into {pair.becomes}{convert}",),
    )


def _switch(pair: _Pair, final: Table) -> Stage:
    case = pair.case
    called = _called(pair, {pair.new.name: pair.stays})
    return Stage(
        "switch",
        f"Read {pair.becomes} instead of {pair.was}, still writing both. When every replica does, stop writing "
        f"{pair.was}, and declare the new column alone, under the old attribute if you like.",
        case.source([final], called, f"{case.cls}, with the new column alone.", pair.views.readable),
    )


def _contract(pair: _Pair, expanded: Table, final: Table) -> tuple[Stage, ...]:
    case, views = pair.case, pair.views
    live = _with(case.found, case.plan(expanded))
    allow = _allowed(pair, final)
    plan = case.contract([final], live, allow, views.kept)
    called = _called(pair, {pair.new.name: pair.stays})
    about = f"{case.cls}, without the views that are dropped."
    text = f"When no release that knows {pair.was} runs any more, drop the old column. Its values are lost then."
    contract = Stage(
        "contract",
        text + views.text,
        case.source([final], called, about, views.kept) if views.dropped else "",
        cql=tuple(plan.cql),
        commands=("scyllamodel contract " + " ".join(shell_line("--allow", code) for code in allow),),
    )
    return (contract, *views_stage(case, final, _with(live, plan), views, called))


def _with(live: KeyspaceFacts, plan: Plan) -> KeyspaceFacts:
    for step in plan.steps:
        if step.change is not None:
            live = after(step.change, live)
    return live


def _allowed(pair: _Pair, final: Table) -> list[str]:
    """What the contract stage drops: views, indexes, the column, and the types that nothing else holds."""
    case, table = pair.case, pair.case.table.name
    views = [f"DS105:{view.name}" for view in pair.views.dropped]
    indexes = [f"DS106:{index.name}" for index in case.stored.indexes if index.column == pair.old.name]
    others = [found for found in case.found.tables if found.name != table]
    used = {found.name for found in case.types_of([*others, final])}
    types = [f"DS104:{found.name}" for found in case.types_of([[pair.old]]) if found.name not in used]
    return [*views, *indexes, f"DS103:{table}.{pair.old.name}", *types]
