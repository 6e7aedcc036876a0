"""Release work: migrate, sync, plan, check, rollback, expand, contract, backfill, each for one repo.

Names are imported from their modules, so that a command loads what it needs.

Modules:
    aio: async versions of the release functions, which run in a thread.
    backfill: copies values into a new column, or rows into a new table, while the application runs.
    contract: removes what no model declares, by name, under the lock and with an entry in the ledger.
    create_keyspace: creates the keyspace of a repo.
    engine: the parts that all commands share: reading the cluster, planning, the locked run, execution.
    expand: computes the expand/contract plan for a change that CQL cannot make, for one table or column.
    ledger: the ledger: the history of a scope, in tables of its own, with crash recovery.
    lock: the schema lock: a row that one process holds, renews, and proves before each statement.
    migrate: migrates schemas to their models, under the lock and with an entry in the ledger.
    plan_check: read-only verbs: what would be done (`plan`), whether anything would be (`check`), what exists.
    recovery: manual recovery: adopt an existing schema, resolve a version, release the lock of a crashed run.
    rollback: rollback to an earlier version, from the live schema and the changes in the ledger.
    schema_diff: schemas by source (models, server, snapshot file, ledger version, empty).
    status: status and history of a repo's keyspace.
    sync: syncs the schema when an application starts, in every replica at once, in one of four modes.
    wait: waits until a schema is in sync, agreed or built, for containers that start before it is.
"""
