"""Validates, quotes and folds names for CQL. The only module that quotes.

Sources: Scylla ``cql3/Cql.g`` (unreserved_keyword), Cassandra ``reserved_keywords.txt`` and ``Lexer.g``; the words in
``_OBSERVED`` are those that real nodes refused unquoted as a column name.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

MAX_PORTABLE_NAME_LENGTH: Final = 48
"""Longest portable name of a keyspace, table, view, index, type, and of a column in a custom index."""

MAX_SERVER_NAME_LENGTH: Final = 192
"""Longest name that any server accepts: ScyllaDB since 2025.2."""

INTERNAL_PREFIX: Final = "scyllamodel_"
"""The prefix of internal tables, which belong to no declared schema and are never truncated."""

_UNQUOTED: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_]+", re.ASCII)

_RESERVED: Final = frozenset(
    """
    add allow alter and ann apply asc authorize batch begin by cast columnfamily concurrency create default delete desc
    describe drop entries execute from full grant if in index infinity insert into is keyspace limit materialized
    mbean mbeans modify nan norecursive not null of on or order primary rename replace revoke schema
    scylla_clustering_bound scylla_counter_shard_list scylla_timeuuid_list_index select set similarity_cosine
    similarity_dot_product similarity_euclidean table text_search_indexing to token truncate unlogged unset update use
    using vector_search_indexing view where with true false
    """.split()
)

_NATIVE: Final = frozenset(
    """
    ascii bigint blob boolean counter date decimal double duration float inet int smallint text time timestamp timeuuid
    tinyint uuid varchar varint list set map tuple frozen vector byte complex enum interval macaddr bitstring empty
    """.split()
)

SYSTEM_KEYSPACES: Final = frozenset(
    """
    system system_auth system_auth_v2 system_distributed system_distributed_everywhere system_metrics
    system_replicated_keys system_schema system_traces system_views system_virtual_schema
    """.split()
)
"""Keyspaces that servers create; from ScyllaDB ``replica/database.cc`` and Cassandra ``SchemaConstants``."""


def companion_keyspace(keyspace: str) -> str:
    """Return the keyspace of the internal tables for one in which lightweight transactions do not work.

    >>> companion_keyspace("shop"), companion_keyspace("a" * 48)
    ('shop_scyllamodel', 'aaaaaaaaaaaaaaaaaaaaaaaaaaa_97daac0e_scyllamodel')
    """
    name = f"{keyspace}_scyllamodel"
    if len(name) <= MAX_PORTABLE_NAME_LENGTH:
        return name
    digest = hashlib.sha256(keyspace.encode()).hexdigest()[:8]
    return f"{keyspace[: MAX_PORTABLE_NAME_LENGTH - 21]}_{digest}_scyllamodel"


def truncate_name(name: str, limit: int, ending: str) -> str:
    """Return the name, shortened deterministically if it is too long.

    >>> truncate_name("orders_status_idx", 42, "_idx")
    'orders_status_idx'
    >>> truncate_name("orders_" + "status" * 10 + "_idx", 42, "_idx")
    'orders_statusstatusstatusstat_31f46d34_idx'
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - len(ending) - 9]}_{digest}{ending}"


def is_internal_table(name: str) -> bool:
    """Whether a table is internal to this package or the server, and not part of a declared schema.

    No user can create a name with ``$``; ScyllaDB keeps the state of lightweight transactions in ``orders$paxos``,
    which the first of them creates.

    >>> is_internal_table("scyllamodel_lock"), is_internal_table("orders$paxos"), is_internal_table("orders")
    (True, True, False)
    """
    return name.startswith(INTERNAL_PREFIX) or "$" in name


def quote(name: str) -> str:
    """Return a name as CQL, quoted only where necessary.

    >>> quote("orders"), quote("select"), quote("Mixed"), quote('od"d 1')
    ('orders', '"select"', '"Mixed"', '"od""d 1"')
    """
    if _UNQUOTED.fullmatch(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def quote_type(name: str) -> str:
    """Return the name of a user type as CQL, quoted also where it equals a native type.

    >>> quote_type("address"), quote_type("date")
    ('address', '"date"')
    """
    return f'"{name}"' if name in _NATIVE else quote(name)


def qualified(keyspace: str | None, name: str) -> str:
    """Return ``keyspace.name``, each part quoted where necessary; without a keyspace the name alone.

    >>> qualified("shop", "Order")
    'shop."Order"'
    """
    return quote(name) if keyspace is None else f"{quote(keyspace)}.{quote(name)}"


def unquote(text: str) -> str:
    """Return the name that a piece of CQL denotes: unquoted text is folded to lower case, as servers do.

    >>> unquote('"Mixed"'), unquote("Mixed"), unquote('"od""d"')
    ('Mixed', 'mixed', 'od"d')
    """
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text.lower()


def string_literal(text: str) -> str:
    """Return a CQL string literal.

    >>> string_literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def name_problem(name: str, kind: str, *, limit: int | None = MAX_PORTABLE_NAME_LENGTH) -> str | None:
    """Return why this name cannot name a keyspace, table, view, index or type, or None when it can.

    >>> name_problem("a b", "table")
    "a table name holds only ASCII letters, digits and underscores, and 'a b' does not"

    A user type must not have the name of a native one: Cassandra accepts ``"date"`` in quotes, stores it without them,
    and does not start again, because it reads the native type where it stored the user type (seen on 5.0).
    """
    article = "an" if kind[0] in "aeiou" else "a"
    if not _NAME.fullmatch(name):
        return f"{article} {kind} name holds only ASCII letters, digits and underscores, and {name!r} does not"
    if limit is not None and len(name) > limit:
        return f"{article} {kind} name has at most {limit} characters, and {name!r} has {len(name)}"
    if kind.endswith("type") and name in _NATIVE:
        return f"{article} {kind} cannot be called {name!r}: a node that stores a column of it does not start again"
    return None
