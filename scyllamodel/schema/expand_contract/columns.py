"""Replace a column that CQL cannot alter: a new column beside the old one, until the old one can be dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel._identifiers import quote, truncate_name
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.expand_contract.plan import ExpandContractPlan, Stage
from scyllamodel.schema.expand_contract.refused_change import RefusedChange, token_range_select
from scyllamodel.schema.expand_contract.views import BlockingViews, views_stage
from scyllamodel.schema.export.literals import shell_line
from scyllamodel.schema.export.models.module import NameMap
from scyllamodel.schema.facts.index_names import MAX_INDEX_NAME
from scyllamodel.schema.rules.suggested_fixes import annotation_text, backfill_key, free_name
from scyllamodel.types.cql_types import freeze, is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, KeyspaceFacts, Table, TableColumn
    from scyllamodel.schema.plan import Plan

_CONVERTING_CLASSES: Final = frozenset({"str", "int", "float", "Decimal", "UUID", "bytes"})
"""Classes whose constructor converts values."""


@attrs.frozen
class _ColumnPair:
    """The old column and the new one.

    Attributes:
        old_attribute, new_attribute: their attributes while both columns exist.
        final_attribute: the attribute of the new column once the old one is dropped.
        views: the views that block dropping the old column.
    """

    refused: RefusedChange
    old: TableColumn
    new: TableColumn
    old_attribute: str
    new_attribute: str
    final_attribute: str
    views: BlockingViews

    @property
    def needs_conversion(self) -> bool:
        """Whether the values have to be converted."""
        return freeze(self.old.type) != freeze(self.new.type)

    @property
    def converter_name(self) -> str:
        """The name of the function that converts a value."""
        return f"to_{self.new_attribute}"


def plan_column_change(refused: RefusedChange, old: TableColumn, desired: TableColumn) -> ExpandContractPlan:
    """The expand/contract plan for one column.

    Parameters:
        old: the live column.
        desired: the column that the model declares, perhaps under another name.
    """
    taken_names = {column.name for table in (refused.live_table, refused.desired_table) for column in table}
    name = free_name(old.name, taken_names) if desired.renamed_from is None else desired.name
    new_column = attrs.evolve(desired, name=name, renamed_from=None)
    old_attribute, new_attribute = _attributes(refused, old, desired, new_column)
    views = BlockingViews.of(refused, old, desired, new_column)
    pair = _ColumnPair(
        refused,
        old,
        new_column,
        old_attribute,
        new_attribute,
        old_attribute if desired.renamed_from is None else new_attribute,
        views,
    )
    expanded = _expanded(refused, pair, desired)
    final = attrs.evolve(
        expanded,
        columns=[column for column in expanded if column.name != old.name],
        indexes=[index for index in expanded.indexes if index.column != old.name],
    )
    stages = (
        _expand(pair, expanded),
        _write_both(pair),
        _backfill(pair),
        _switch(pair, final),
        *_contract(pair, expanded, final),
    )
    return ExpandContractPlan(
        f"{refused.live.name}.{refused.desired_table.name}.{old.name}", refused.reasons, stages, refused.other_refusals
    )


def _attributes(refused: RefusedChange, old: TableColumn, desired: TableColumn, new: TableColumn) -> tuple[str, str]:
    """The attributes of both columns while both exist."""
    if desired.renamed_from is not None:
        return refused.attribute(old.name), refused.attribute(desired.name)
    old_attribute = refused.attribute(old.name)
    return old_attribute, old_attribute + new.name.removeprefix(old.name)


def _expanded(refused: RefusedChange, pair: _ColumnPair, desired: TableColumn) -> Table:
    """The table with both columns; other columns whose change was refused stay as they are live."""
    stored = {column.name: column for column in refused.live_table}
    other_columns = [c for c in refused.desired_table if c.name not in (pair.old.name, desired.name)]
    kept_columns = [
        stored.get(c.name, c) if (c.name in stored and _differs(stored[c.name], c)) else c for c in other_columns
    ]
    kept_columns = [attrs.evolve(column, renamed_from=None) for column in kept_columns]
    indexes = [i for i in refused.desired_table.indexes if i.column not in (pair.old.name, desired.name)]
    indexes += [i for i in refused.live_table.indexes if i.column == pair.old.name]
    indexes += [
        _index_on_new_column(refused, i, pair) for i in refused.desired_table.indexes if i.column == desired.name
    ]
    return attrs.evolve(
        refused.desired_table, columns=[*kept_columns, pair.old, pair.new], indexes=indexes, renamed_from=None
    )


def _differs(stored: TableColumn, declared: TableColumn) -> bool:
    return (stored.type, stored.kind) != (declared.type, declared.kind)


def _index_on_new_column(refused: RefusedChange, index: Index, pair: _ColumnPair) -> Index:
    """The index of the desired column on the new one, under another name, since the old index keeps its own."""
    name = truncate_name(f"{refused.desired_table.name}_{pair.new.name}_idx", MAX_INDEX_NAME, "_idx")
    return attrs.evolve(index, column=pair.new.name, name=name)


def _expand(pair: _ColumnPair, expanded: Table) -> Stage:
    refused = pair.refused
    plan = refused.plan(expanded)
    return Stage(
        "expand",
        f"Declare {pair.new_attribute} beside {pair.old_attribute}, which keeps its stored type. Deploy, and migrate.",
        refused.module_source(
            [expanded],
            _names_with(pair, {pair.new.name: pair.new_attribute}),
            f"{refused.class_name}, with both columns.",
        ),
        tuple(step.cql for step in plan.steps),
        ("scyllamodel migrate",),
    )


def _names_with(pair: _ColumnPair, added_names: dict[str, str]) -> NameMap:
    names, table = pair.refused.names, pair.refused.desired_table.name
    attributes = {**names.attributes.get(table, {}), pair.old.name: pair.old_attribute, **added_names}
    return attrs.evolve(names, attributes={**names.attributes, table: attributes})


def _write_both(pair: _ColumnPair) -> Stage:
    refused, variable = pair.refused, pair.refused.variable
    value, owner = f"{variable}.{pair.old_attribute}", refused.class_name
    lines: list[str] = []
    if pair.needs_conversion:
        value = f"{pair.converter_name}({value})"
        lines += [
            f"def {pair.converter_name}(value: {annotation_text(pair.old.type)}) -> {annotation_text(pair.new.type)}:",
            f'    """Convert a value of {pair.old_attribute} for {pair.new_attribute}."""',
            f"    return {_conversion(annotation_text(pair.new.type))}",
            "",
            "",
        ]
    lines += [
        f"# wherever {pair.old_attribute} is written:",
        f"{variable}.{pair.new_attribute} = {value}",
        f"repo.save({variable})",
        f"# and in updates: .set({owner}.{pair.old_attribute}.to(x), {owner}.{pair.new_attribute}.to(…))",
    ]
    text = (
        f"Write both columns wherever {pair.old_attribute} is written, and keep reading {pair.old_attribute}. Deploy "
        "to every replica before the next stage: values that a replica writes to the old column only would be missing."
    )
    return Stage("write both", text, "\n".join(lines))


def _conversion(hint: str) -> str:
    name = {"cql.Int": "int", "cql.SmallInt": "int", "cql.TinyInt": "int", "cql.VarInt": "int"}.get(hint, hint)
    return f"{name}(value)" if name in _CONVERTING_CLASSES else "…  # convert the value"


def _backfill(pair: _ColumnPair) -> Stage:
    refused = pair.refused
    key = [quote(column.name) for column in backfill_key(refused.live_table, pair.new)]
    old, new = quote(pair.old.name), quote(pair.new.name)
    timed_columns = [] if is_multi_cell(pair.old.type) else [f"writetime({old})", f"ttl({old})"]
    condition = " AND ".join(f"{name} = ?" for name in key)
    convert = f" --convert {refused.module}:{pair.converter_name}" if pair.needs_conversion else ""
    convert_argument = f", convert={pair.converter_name}" if pair.needs_conversion else ""
    return Stage(
        "backfill",
        "Copy the existing values. The backfill can be interrupted and started again, and can run while the "
        "application writes: each value keeps its timestamp, so newer values win. Try it with --dry-run first.",
        f"backfill(repo, {refused.class_name}.{pair.old_attribute}, "
        f"into={refused.class_name}.{pair.new_attribute}{convert_argument})",
        (
            token_range_select(refused.live_table, refused.qualified_table, [*key, old, *timed_columns]),
            f"UPDATE {refused.qualified_table} USING TTL ? AND TIMESTAMP ? SET {new} = ? WHERE {condition}",  # noqa: S608 - quoted names
        ),
        (f"scyllamodel backfill {refused.class_name}.{pair.old_attribute} --into {pair.new_attribute}{convert}",),
    )


def _switch(pair: _ColumnPair, final: Table) -> Stage:
    refused = pair.refused
    names = _names_with(pair, {pair.new.name: pair.final_attribute})
    return Stage(
        "switch",
        f"Read {pair.new_attribute} instead of {pair.old_attribute}, and keep writing both. Once every replica does, "
        f"stop writing {pair.old_attribute}, and declare the new column only; it may take over the old attribute.",
        refused.module_source([final], names, f"{refused.class_name}, with the new column only.", pair.views.readable),
    )


def _contract(pair: _ColumnPair, expanded: Table, final: Table) -> tuple[Stage, ...]:
    refused, views = pair.refused, pair.views
    expanded_live = _after_plan(refused.live, refused.plan(expanded))
    allow = _allowed_drops(pair, final)
    plan = refused.contract_plan_for([final], expanded_live, allow, views.kept)
    names = _names_with(pair, {pair.new.name: pair.final_attribute})
    docstring = f"{refused.class_name}, without the views that are dropped."
    text = f"When no running release uses {pair.old_attribute} any more, drop the old column. Its values are lost then."
    contract = Stage(
        "contract",
        text + views.text,
        refused.module_source([final], names, docstring, views.kept) if views.dropped else "",
        cql=tuple(plan.cql),
        commands=("scyllamodel contract " + " ".join(shell_line("--allow", code) for code in allow),),
    )
    return (contract, *views_stage(refused, final, _after_plan(expanded_live, plan), views, names))


def _after_plan(live: KeyspaceFacts, plan: Plan) -> KeyspaceFacts:
    for step in plan.steps:
        if step.change is not None:
            live = facts_after(step.change, live)
    return live


def _allowed_drops(pair: _ColumnPair, final: Table) -> list[str]:
    """The drops of the contract stage: views, indexes, the column, and user types that no other column uses."""
    refused, table = pair.refused, pair.refused.desired_table.name
    views = [f"DS105:{view.name}" for view in pair.views.dropped]
    indexes = [f"DS106:{index.name}" for index in refused.live_table.indexes if index.column == pair.old.name]
    others = [other for other in refused.live.tables if other.name != table]
    used_types = {user_type.name for user_type in refused.user_types_of([*others, final])}
    types = [
        f"DS104:{user_type.name}"
        for user_type in refused.user_types_of([[pair.old]])
        if user_type.name not in used_types
    ]
    return [*views, *indexes, f"DS103:{table}.{pair.old.name}", *types]
