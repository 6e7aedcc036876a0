"""Views that block dropping a column: they are dropped with it, and created again over the new column.

Cassandra does not drop columns of a table with views, and ScyllaDB does not drop a column that a view selects (rule
MV102). A view cannot be altered, so a view of the old column is declared again over the new one, under its own name,
after the old column is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.expand_contract.plan import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scyllamodel.schema.expand_contract.refused_change import RefusedChange
    from scyllamodel.schema.export.models.module import NameMap
    from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, TableColumn, View


@attrs.frozen
class BlockingViews:
    """The views on a table that loses a column.

    Attributes:
        dropped: the live views that have to be dropped before the column.
        selecting: the names of those that select the column; code with the new column only cannot read them.
        kept: the declared views that stay as they are.
        recreated: the declared views that are created again over the new column.
    """

    dropped: tuple[View, ...]
    selecting: frozenset[str]
    kept: tuple[View, ...]
    recreated: tuple[View, ...]

    @classmethod
    def of(cls, refused: RefusedChange, old: TableColumn, desired: TableColumn, new: TableColumn) -> BlockingViews:
        """Find the views that block dropping a column.

        Parameters:
            old: the column to drop.
            desired: the column that the model declares.
            new: the column that replaces it.
        """
        live_views = [view for view in refused.live.views if view.base == refused.desired_table.name]
        selecting = frozenset(view.name for view in live_views if old.name in view)
        dropped = [v for v in live_views if v.name in selecting or not refused.server.drops_columns_beside_views]
        dropped_names = {view.name for view in dropped}
        declared = [view for view in refused.desired.views if view.base == refused.desired_table.name]
        return cls(
            tuple(dropped),
            selecting,
            tuple(view for view in declared if view.name not in dropped_names),
            tuple(_over_new_column(view, desired, new) for view in declared if view.name in dropped_names),
        )

    @property
    def readable(self) -> tuple[View, ...]:
        """The views that the models declare in the switch stage."""
        return (*self.kept, *(view for view in self.recreated if view.name not in self.selecting))

    @property
    def text(self) -> str:
        """What to do before the column is dropped; empty without views."""
        if not self.dropped:
            return ""
        names = ", ".join(view.name for view in self.dropped)
        undeclared_names = ", ".join(
            v.name for v in self.dropped if v.name not in {view.name for view in self.recreated}
        )
        undeclared = (
            f" No model declares {undeclared_names}: create it again for the code that reads it."
            if undeclared_names
            else ""
        )
        return (
            f" The views {names} block the drop: leave their classes out of this release, so that they are dropped "
            f"first. Reads of them fail until the next stage has created them again.{undeclared}"
        )


def _over_new_column(view: View, desired: TableColumn, new_column: TableColumn) -> View:
    """The view with the new column in place of the desired one."""
    columns = [
        attrs.evolve(column, name=new_column.name, type=new_column.type) if column.name == desired.name else column
        for column in view.columns
    ]
    return attrs.evolve(view, columns=columns)


def views_stage(
    refused: RefusedChange, table: Table, live: KeyspaceFacts, affected: BlockingViews, names: NameMap
) -> Sequence[Stage]:
    """The stage that declares the dropped views again; empty without such views.

    Parameters:
        live: the keyspace after the contract stage.
    """
    if not affected.recreated:
        return ()
    views = (*affected.kept, *affected.recreated)
    plan = refused.plan_for([table], views, live)
    return (
        Stage(
            "views",
            "Declare the views again, and migrate. They are filled in the background from the rows of the table.",
            refused.module_source([table], names, f"{refused.class_name}, and its views.", views),
            tuple(step.cql for step in plan.steps),
            ("scyllamodel migrate --wait-built",),
        ),
    )
