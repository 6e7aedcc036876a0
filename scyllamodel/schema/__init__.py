"""Facts about schemas, and everything that compares, changes, checks and writes them. Nothing here does I/O.

Modules:
    apply: applies the steps of a plan through an executor, and reports the outcome.
    changes: the kinds of schema changes, with the CQL, description, effects, post-condition, JSON and undo of each.
    compare: comparison by meaning: the one place that says when two definitions are the same.
    ddl: CQL schema statements: written from facts, and parsed as far as rules need their parts.
    diagnostics: a diagnostic: a code, a severity, a text, and a suggested fix.
    diff: compares the desired schema with the live one, and returns changes.
    expand_contract: expand/contract migrations: the stages of a change that CQL cannot make.
    export: exports of a schema: Python models, snapshots, diagrams, grants.
    facts: the contents of a keyspace as immutable values: tables, columns, indexes, views, types, options.
    options: options of tables and views: declared in Python, validated, written as CQL.
    plan: plans: ordered steps made of changes, as one value that is shown, saved and applied.
    reflect: conversion of ``system_schema`` rows to facts.
    rules: rules that evaluate changes: refusals, warnings and suggested fixes.
    server: the connected server and its capabilities; the only package that distinguishes servers by name.
"""
