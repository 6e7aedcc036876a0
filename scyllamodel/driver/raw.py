"""Text of one's own, and the statements that no model has: what `Repo.raw` and `Repo.truncate` send.

*In*: text and values. *Out*: the driver's future, and rows as the session makes them or as instances of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scyllamodel._identifiers import qualified
from scyllamodel.driver.names import SimpleStatement, tuple_factory
from scyllamodel.driver.requests import Requests
from scyllamodel.errors import UnknownColumn
from scyllamodel.query.functions import is_table
from scyllamodel.query.memory import memory_of


class RawRows:
    """Sends text through one connection."""

    def __init__(self, requests: Requests, keyspace: str) -> None:
        self._requests, self._keyspace = requests, keyspace

    def sent(self, cql: str, values: Sequence[Any], into: type | None) -> Any:
        """Send text. Returns the driver's future; with values this may wait for it to be prepared."""
        session = self._requests.connection.session
        statement = SimpleStatement(cql)
        if values:
            statement = self._requests.statements.text(cql).bind(values)
        if into is None:
            return session.execute_async(statement)
        statement.our_rows = tuple_factory
        return self._requests.connection.data(statement)

    def made(self, found: Any, into: type | None) -> list[Any]:
        """The rows of a result, all pages of it."""
        if into is None:
            return list(found)
        names: list[str] = list(found.column_names or ())
        columns = memory_of(into).columns
        missing = [column.db_name for column in columns.values() if column.db_name not in names]
        if missing:
            raise UnknownColumn(
                f"The rows hold {', '.join(names) or 'nothing'}, and {into.__qualname__} also needs "
                f"{', '.join(missing)}: select these columns too, or leave into= out.",
                model=into.__qualname__,
                column=missing[0],
            )
        at = [names.index(column.db_name) for column in columns.values()]
        load: Any = getattr(into, "__load__")  # noqa: B009 - a bare type has none
        return [load(tuple([row[index] for index in at])) for row in found]

    def truncate(self, model: type) -> Any:
        """Send the TRUNCATE of a model. Returns the driver's future."""
        if not is_table(model):
            raise TypeError(f"truncate() takes a model, not {model!r}")
        facts: Any = getattr(model, "__facts__")  # noqa: B009 - likewise
        text = f"TRUNCATE {qualified(facts.keyspace or self._keyspace, facts.name)}"
        return self._requests.connection.session.execute_async(SimpleStatement(text))
