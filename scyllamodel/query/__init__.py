"""Statements as immutable values, typed by their models. Nothing here knows a server.

Modules:
    batch: writes that are sent together, in one request.
    batch_writes: the writes of a batch: collected, checked against each other, and locked while they are sent.
    builder: the base class of statement builders: the execution options of one statement.
    change_assignments: conversion of a change of a column to the assignments of an UPDATE.
    checks: what a statement may say about the keys and indexes of its table, checked before it is sent.
    cql_writer: a writer that collects the CQL text of a statement and its values.
    delete: the `delete` builder: deletes rows, ranges of rows, whole partitions, or columns and elements of rows.
    functions: server functions, which can be selected, compared and assigned.
    insert: the `insert` builder: inserts the row of an instance, or a row of JSON text.
    instance_writes: the rules of a single write: which statement saves an instance, what an error says about its row.
    instances: reads and writes of whole instances: one statement template for each operation.
    literals: CQL literals of map keys and set elements, where servers accept no bound value: ``WRITETIME(m['k'])``.
    model_cache: the cache of a model class: names, markers, element types and statement templates.
    not_supported: the error for a statement that servers do not support, made in one place.
    results: the result of a conditional statement.
    select: the `Select` builder: reads rows of a model as instances, or some of their columns as tuples.
    selection: the `select` function, with an overload for each number of columns.
    single_table: writes to single-table inheritance.
    statement: statements in two parts: a template, which is prepared once, and the values of one call.
    targets: the types, converters and CQL names of the targets of expressions.
    update: the `update` builder: changes rows that are selected by primary key.
"""
