"""Replace a table whose key CQL cannot alter: a new table beside the old one, until the old one can be dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel._identifiers import qualified, quote, truncate_name
from scyllamodel._text import snake_case
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.expand_contract.plan import ExpandContractPlan, Stage
from scyllamodel.schema.expand_contract.refused_change import RefusedChange, token_range_select
from scyllamodel.schema.export.literals import shell_line
from scyllamodel.schema.export.models.module import NameMap
from scyllamodel.schema.facts.index_names import MAX_INDEX_NAME
from scyllamodel.schema.rules.suggested_fixes import free_name
from scyllamodel.types.cql_types import is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, Table, TableColumn


@attrs.frozen
class _TablePair:
    """The old table and the new one.

    Attributes:
        new_class: the class of the new table while both exist.
    """

    refused: RefusedChange
    new_table: Table
    new_class: str

    @property
    def converter_name(self) -> str:
        """The name of the function that builds a row of the new table."""
        return f"to_{snake_case(self.new_class)}"

    @property
    def needs_conversion(self) -> bool:
        """Whether rows cannot be copied unchanged, with each value under its own name."""
        stored = {column.name: column for column in self.refused.live_table}
        return any(c.name not in stored or stored[c.name].type != c.type for c in self.new_table if c.in_key) or any(
            c.name in stored and stored[c.name].type != c.type for c in self.new_table
        )


def plan_table_change(refused: RefusedChange) -> ExpandContractPlan:
    """The course for a table with another key."""
    name = free_name(
        refused.desired_table.name, {*(t.name for t in refused.live.tables), *(v.name for v in refused.live.views)}
    )
    taken_names = {index.name for table in refused.live.tables for index in table.indexes}
    indexes = [_renamed(index, refused.desired_table, name, taken_names) for index in refused.desired_table.indexes]
    columns = [attrs.evolve(column, renamed_from=None) for column in refused.desired_table]
    new_table = attrs.evolve(refused.desired_table, name=name, columns=columns, indexes=indexes, renamed_from=None)
    pair = _TablePair(
        refused, new_table, f"{refused.class_name}{name.removeprefix(refused.desired_table.name).strip('_')}"
    )
    stages = (_expand(pair), _write_both(pair), _backfill(pair), _switch(pair), _contract(pair))
    return ExpandContractPlan(
        f"{refused.live.name}.{refused.desired_table.name}", refused.reasons, stages, refused.other_refusals
    )


def _renamed(index: Index, table: Table, new: str, taken_names: set[str]) -> Index:
    """An index of the new table under a free name; index names are unique within a keyspace."""
    if index.named:
        return attrs.evolve(index, name=free_name(index.name, taken_names))
    return attrs.evolve(index, name=truncate_name(index.name.replace(table.name, new, 1), MAX_INDEX_NAME, "_idx"))


def _names_with(pair: _TablePair, *, is_final: bool = False) -> NameMap:
    names, old, new = pair.refused.names, pair.refused.desired_table.name, pair.new_table.name
    attributes = names.attributes.get(old, {})
    classes = {**names.classes, ("table", new): pair.refused.class_name if is_final else pair.new_class}
    return attrs.evolve(names, classes=classes, attributes={**names.attributes, new: attributes})


def _expand(pair: _TablePair) -> Stage:
    refused = pair.refused
    return Stage(
        "expand",
        f"Keep {refused.class_name} as it is stored, and declare {pair.new_class} with the new key beside it. "
        "Deploy, and migrate.",
        refused.module_source(
            [refused.live_table, pair.new_table],
            _names_with(pair),
            f"{refused.class_name}, and {pair.new_class} with the new key.",
        ),
        tuple(step.cql for step in refused.plan(pair.new_table).steps),
        ("scyllamodel migrate",),
    )


def _write_both(pair: _TablePair) -> Stage:
    refused, variable, old = pair.refused, pair.refused.variable, {column.name for column in pair.refused.live_table}
    arguments = [_argument_line(refused, column, is_stored=column.name in old) for column in pair.new_table]
    lines = [
        f"def {pair.converter_name}({variable}: {refused.class_name}) -> {pair.new_class}:",
        f'    """Convert a row of {refused.desired_table.name} to a row of {pair.new_table.name}."""',
        f"    return {pair.new_class}(",
        *(f"        {line}" for line in arguments),
        "    )",
        "",
        "",
        f"# wherever a {refused.class_name} is saved or deleted:",
        "with repo.batch() as batch:",
        f"    batch.save({variable})",
        f"    batch.insert({pair.converter_name}({variable}))",
    ]
    text = (
        f"Write both tables wherever {refused.class_name} is written, deletes and updates included, and keep reading "
        f"{refused.class_name}. Deploy to every replica before the next stage: rows that a replica writes to the old "
        "table only would be missing."
    )
    return Stage("write both", text, "\n".join(lines))


def _argument_line(refused: RefusedChange, column: TableColumn, *, is_stored: bool) -> str:
    name = refused.attribute(column.name)
    if is_stored and refused.live_table[column.name].type == column.type:
        return f"{name}={refused.variable}.{name},"
    if is_stored:
        return f"{name}=…,  # convert {refused.variable}.{name}"
    return f"{name}=…,  # a value for the key" if column.in_key else f"# {name} is new"


def _backfill(pair: _TablePair) -> Stage:
    refused = pair.refused
    names = [quote(column.name) for column in refused.live_table]
    timed_columns = [quote(c.name) for c in refused.live_table if not c.in_key and not is_multi_cell(c.type)]
    names += [f"{function}({name})" for name in timed_columns for function in ("writetime", "ttl")]
    where = qualified(refused.live.name, pair.new_table.name)
    convert = f" --convert {refused.module}:{pair.converter_name}" if pair.needs_conversion else ""
    convert_argument = f", convert={pair.converter_name}" if pair.needs_conversion else ""
    return Stage(
        "backfill",
        "Copy the existing rows. The backfill can be interrupted and started again, and can run while the application "
        "writes: each value keeps its timestamp, so newer values win. Try it with --dry-run first.",
        f"backfill(repo, {refused.class_name}, into={pair.new_class}{convert_argument})",
        (
            token_range_select(refused.live_table, refused.qualified_table, names),
            f"INSERT INTO {where} (…) VALUES (…) USING TTL ? AND TIMESTAMP ?",  # noqa: S608 - quoted names
        ),
        (f"scyllamodel backfill {refused.class_name} --into {pair.new_class}{convert}",),
    )


def _switch(pair: _TablePair) -> Stage:
    refused = pair.refused
    return Stage(
        "switch",
        f"Read {pair.new_class} instead of {refused.class_name}, and keep writing both. Once every replica does, stop "
        f"writing {refused.class_name}, and declare the new table only; its class may take over the old name.",
        refused.module_source(
            [pair.new_table], _names_with(pair, is_final=True), f"{refused.class_name}, with the new key."
        ),
    )


def _contract(pair: _TablePair) -> Stage:
    refused = pair.refused
    live = refused.live
    for step in refused.plan(pair.new_table).steps:
        if step.change is not None:
            live = facts_after(step.change, live)
    views = [view.name for view in refused.live.views if view.base == refused.desired_table.name]
    allow = [*(f"DS105:{name}" for name in views), f"DS102:{refused.desired_table.name}"]
    text = f"When no running release uses {refused.desired_table.name} any more, drop it. Its rows are lost then."
    if views:
        text += (
            f" Its views {', '.join(views)} are dropped with it: "
            f"declare those that you need over {pair.new_table.name} first."
        )
    return Stage(
        "contract",
        text,
        cql=tuple(refused.contract_plan_for([pair.new_table], live, allow).cql),
        commands=("scyllamodel contract " + " ".join(shell_line("--allow", code) for code in allow),),
    )
