"""Views that stand in the way of dropping a column: dropped with it, and made again over the new column.

Cassandra drops no column of a table that has views, ScyllaDB none that a view selects (rule MV102). A view cannot be
altered, so one that selects the old column is declared again over the new one, under its own name, when the old column
is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.course.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scyllamodel.schema.course.sides import Refused
    from scyllamodel.schema.facts import KeyspaceFacts, Table, TableColumn, View
    from scyllamodel.schema.source import Called


@attrs.frozen
class ViewsInTheWay:
    """The views on a table that loses a column.

    Attributes:
        dropped: the live ones that go before the column.
        showing: those of them that select the column, by name; code that knows the new column alone cannot read them.
        kept: what the models declare and what stays as it is.
        again: what the models declare and what is made again, over the new column.
    """

    dropped: tuple[View, ...]
    showing: frozenset[str]
    kept: tuple[View, ...]
    again: tuple[View, ...]

    @classmethod
    def of(cls, case: Refused, old: TableColumn, wanted: TableColumn, new: TableColumn) -> ViewsInTheWay:
        """Find them.

        Parameters:
            old: the column that goes; wanted: as the model declares it; new: the column that takes its place.
        """
        live = [view for view in case.found.views if view.base == case.table.name]
        showing = frozenset(view.name for view in live if old.name in view)
        dropped = [v for v in live if v.name in showing or not case.server.drops_columns_beside_views]
        gone = {view.name for view in dropped}
        declared = [view for view in case.wanted.views if view.base == case.table.name]
        return cls(
            tuple(dropped),
            showing,
            tuple(view for view in declared if view.name not in gone),
            tuple(_over(view, wanted, new) for view in declared if view.name in gone),
        )

    @property
    def readable(self) -> tuple[View, ...]:
        """What the models declare from the switch on."""
        return (*self.kept, *(view for view in self.again if view.name not in self.showing))

    @property
    def text(self) -> str:
        """What to know before the column is dropped; empty without views."""
        if not self.dropped:
            return ""
        names = ", ".join(view.name for view in self.dropped)
        left = ", ".join(v.name for v in self.dropped if v.name not in {view.name for view in self.again})
        undeclared = f" No model declares {left}: whoever reads it has to make it again." if left else ""
        return (
            f" The views {names} stand in the way: leave their classes out of this release, so that they are dropped "
            f"first. Reads of them fail until the next stage has made them again.{undeclared}"
        )


def _over(view: View, wanted: TableColumn, new: TableColumn) -> View:
    """The view with the new column where it declares the wanted one."""
    columns = [
        attrs.evolve(column, name=new.name, type=new.type) if column.name == wanted.name else column
        for column in view.columns
    ]
    return attrs.evolve(view, columns=columns)


def views_stage(
    case: Refused, table: Table, live: KeyspaceFacts, found: ViewsInTheWay, called: Called
) -> Sequence[Stage]:
    """The stage that declares the dropped views again; none where there are none.

    Parameters:
        live: the keyspace after the contract stage.
    """
    if not found.again:
        return ()
    views = (*found.kept, *found.again)
    plan = case.plan_of([table], views, live)
    return (
        Stage(
            "views",
            "Declare the views again, and migrate. They are filled in the background from the rows of the table.",
            case.source([table], called, f"{case.cls}, and its views.", views),
            tuple(step.cql for step in plan.steps),
            ("scyllamodel migrate --wait-built",),
        ),
    )
