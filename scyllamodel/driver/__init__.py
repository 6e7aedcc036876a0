"""The only package that imports the driver: sessions, the pinned coordinator, requests for rows.

Modules:
    _cassandra: every name of the driver that this package uses, with its type.
    async_repo: a repo with awaited methods, on the connection of a blocking one.
    cluster: one pinned node: introspection, schema agreement, DDL, lightweight transactions.
    configured: the configured repos: those of a call, of the environment, or of ``pyproject.toml``.
    data: requests for rows: messages, operations, pages, scans, bulk runs, in threads and in event loops.
    outcomes: classifies a failed statement, in one table: by the driver's class first, then by the server's message.
    repo: a repo: one keyspace on one cluster, its models, and a connection made on first use.
    session: one session of the driver: connected, borrowed, forked, closed.
"""
