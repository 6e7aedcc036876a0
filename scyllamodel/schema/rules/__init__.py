"""Rules that evaluate changes: refusals, warnings and suggested fixes.

Modules:
    allow: check the values of ``allow=`` before anything is read, and report those without effect.
    breaking: NB: statements that nodes accept but do not survive, or that every server refuses.
    catalogue: the catalogue of the codes that plans and lint show, for ``scyllamodel explain CODE``.
    compatibility: BC: changes that break other running releases of the application, and live objects.
    context: the input and output of rules.
    destructive: DS: drops.
    evaluation: evaluate changes: refusals, warnings and notes with codes, and suggested fixes.
    handwritten_drops: NB for hand-written drops and renames: what prevents them, by the rules that apply to models.
    handwritten_effects: the changes that a hand-written statement makes, against which later statements are checked.
    handwritten_types: NB for hand-written type changes of columns and fields that are refused or lose data.
    indexes: IX: indexes, which cannot be altered and whose names are unique within a keyspace.
    keys: PK: primary keys, which are immutable except for the names of their columns.
    keyspaces: KS: keyspaces and replication.
    nulls: NU: columns whose type excludes None, and rows without a value for them.
    option_limits: OP: limits of options that depend on the keyspace, or on other options and tables.
    options: OP: options that a server refuses, and those with unexpected effects.
    preflight: CL, and KS for live keyspaces: whether the cluster is ready for a schema change.
    racks: KS108: on tablets, views and indexes need as many copies in a data centre as it has racks, or one.
    raw_keyspace_statements: NB for hand-written statements on keyspaces that are refused, or lose rows or settings.
    raw_statement: a hand-written statement with the schema before it runs.
    raw_statements: NB for hand-written statements: what breaks a server, or silently loses data or settings.
    roles: recognize statements that change roles or permissions, whose effect no schema shows.
    search_indexes: columns, options and values that ScyllaDB's vector and full-text indexes support.
    suggested_fixes: suggested fixes for changes that CQL does not support, with the names of the user's tables.
    types: TY: types of columns, which cannot change, and names of dropped columns, which servers remember.
    undo: RB: obstacles to undoing a change, read from the schema.
    user_types: UD: user types, which gain fields only at the end, and only if no partition key uses them.
    views: MV: materialized views, which cannot be altered and prevent drops on their table.
"""
