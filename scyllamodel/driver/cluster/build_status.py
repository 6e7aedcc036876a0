"""Indexes and views whose build is not complete, as one node reports it.

In: a `Coordinator` and the facts of a keyspace. Out: their names; None where the role may not read the build tables,
`scyllamodel.schema.server.detection.BUILD_TABLES`.
"""

from __future__ import annotations

from scyllamodel._identifiers import string_literal
from scyllamodel.driver._cassandra import Unauthorized
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.nodes import read_error
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.server.profile import is_viewless


def read_unbuilt(coordinator: Coordinator, live: KeyspaceFacts) -> tuple[str, ...] | None:
    """Return the indexes and views of a keyspace that the node is still building, by name.

    Servers list completed builds: views in ``system.built_views``, indexes in ``system."IndexInfo"``, whose
    ``table_name`` is the keyspace. Reading them needs a permission, hence None. ScyllaDB's vector and full-text indexes
    are built by a separate service and never listed: they are left out.

    Raises:
        IntrospectionError: the node did not respond.
    """
    names = [view.name for view in live.views]
    names += [index.name for table in live.tables for index in table.indexes if not is_viewless(index.using)]
    if not names:
        return ()
    name = string_literal(live.name)
    views = f"SELECT view_name FROM system.built_views WHERE keyspace_name = {name}"  # noqa: S608 - quoted literal
    indexes = f'SELECT index_name FROM system."IndexInfo" WHERE table_name = {name}'  # noqa: S608 - quoted literal
    try:
        built_names = {row["view_name"] for row in coordinator.rows(views)}
        built_names |= {row["index_name"] for row in coordinator.rows(indexes)}
    except Unauthorized:
        return None
    except DRIVER_ERRORS as error:
        raise read_error("the state of indexes and views", coordinator, error) from error
    return tuple(sorted(set(names) - built_names))
