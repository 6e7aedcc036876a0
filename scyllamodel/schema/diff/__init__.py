"""Compares the desired schema with the live one, and returns changes.

Modules:
    columns: compare the columns of one table: renamed key columns, one ADD, and changes that CQL cannot make.
    indexes: compare the indexes of tables: by definition, and by name if one was chosen.
    keyspaces: compare the keyspace: it is created on request if missing; an existing one is compared by meaning.
    options: compare the declared options of tables and views with the stored ones.
    schema_diff: compute the changes from the live schema to the desired one.
    schema_pair: the live and desired facts of one keyspace, with lookups by name.
    tables: compare tables: new ones, names in use, and the columns of tables on both sides.
    types: compare user types: new ones in dependency order, appended fields, and changes that CQL cannot make.
    views: compare materialized views: new ones, and differing definitions, which CQL cannot alter.
"""
