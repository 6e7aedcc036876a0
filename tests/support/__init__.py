"""Builders, simulators, stores and fixtures that tests share; ``from support.NAME import``.

Builders:
    builders: short notations for tables, views, user types and indexes, and changes as one line each.
    model_classes: classes that declare given facts.
    query_models: the models in tests of statements.
    row_literals: a row for any table, as CQL literals of every type.
    statement_facts: facts from CQL statements, as models would declare them.
    strategies: Hypothesis strategies.
    type_cases: every CQL type with values that are hard to store.
    earlier_schemas: states of a schema that came before another one.
    forged_rows: rows that an attacker could write into the internal tables.

Servers and stores in memory:
    simulator: holds facts, runs the statements of a plan, and simulates faults.
    system_rows: answers queries on system tables from rows.
    ledger_store: a ledger with faults by the number of the request.
    interleavings: every order of events of a few processes, one row and one schema.
    histories: random histories of one keyspace, with kills between requests.

Recorded on real servers:
    cassandra_observed: ``data/cassandra-observed.json``.
    scylla_observed: ``data/scylla-*.json``.

Fixtures and processes:
    servers: fixtures for the capabilities of the server of a run, and the markers ``needs_…``.
    logins: fixtures for a server with passwords and permissions.
    project: fixtures for a project on disk.
    slow_path: the option ``--slow-path``, which makes the driver send all requests.
    shell: the command line as a process, on a pipe or a terminal.
    lock_holder: a process that holds a lock.
    sync_and_async: one test case for `Repo` and `AsyncRepo`.
    driver_codecs: the serialisers of the driver.
    json_schemas: validation against the published JSON Schemas.
    readme: sessions and code blocks of README and the guide.
"""
