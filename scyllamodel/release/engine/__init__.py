"""The parts that all commands share: reading the cluster, planning, the locked run, execution.

Modules:
    application_role: plans the permissions of the application's role on the tables of its models.
    build_status: waits until existing indexes and views are built.
    cluster_view: a view of a repo's cluster through one node: its profile, its schema, its topology.
    companion_keyspace: plans the companion keyspace of the internal tables.
    crash_detection: detects crashed runs by the lock, and recovers them where the current run needs no lock.
    execution: executes one version of the ledger under the lock; nothing else writes versions.
    ledger_access: locates the internal tables of a repo and opens its ledger.
    locked_run: runs under the lock: internal tables exist, and each statement is sent while the lock is held.
    migration_run: a migration: plans, takes the locks, plans again under them, and executes that plan.
    models: models and user types of configured repos.
    name_lookup: looks up models and columns by the names that users type: ``Order``, ``orders``, ``Order.total``.
    object_owners: objects of a keyspace that belong to other repos, by their ledgers and by loaded models.
    page_secret: creates the secret that signs page tokens, stored with the internal tables.
    permission_check: checks before a run whether the role of the connection has the permissions that a plan needs.
    planning: plans a migration, and keeps the inputs so that it can be planned again under the lock.
    raw_steps: raw steps: hand-written statements that are planned and recorded beside those of the models.
    renamed_keys: explains refusals of a primary key by the ledger: older models do not know a key column.
    results: results of release functions: plain values that print as JSON.
    sync_marker: marks models as in sync with a schema version, so that the next start costs two reads.
    telemetry: logs runs and traces them with OpenTelemetry.
"""
