"""Facts about schemas, and everything that compares, changes, checks and writes them. Nothing here does I/O.

Modules:
    apply: applies the steps of a plan through an executor, and reports the outcome.
    changes: everything that one kind of change can do: its CQL, description, effects, postcondition, JSON and undo.
    compare: what "the same" means for options, indexes, views and replication.
    ddl: CQL statements of the schema: written from facts, and parsed as far as rules ask.
    diagnostics: what the rules say about a change: a code, how grave it is, and what to do.
    diff: compares the desired schema with the live one, and returns changes.
    expand_contract: expand/contract migrations: the stages of a change that CQL cannot make in one step.
    export: writes a schema for other readers: Python models, snapshots, diagrams, grants.
    facts: what a keyspace contains, as immutable values: tables, columns, indexes, views, types, options.
    options: options of tables and views: declared in Python, validated, written as CQL.
    plan: plans: ordered steps made of changes, as one value that is shown, saved and applied.
    reflect: reads facts out of the rows of ``system_schema``.
    rules: rules that judge changes: what is refused, what is warned of, and the suggested fix.
    server: what the connected server is and can do; the only place that asks which server it is.
"""
