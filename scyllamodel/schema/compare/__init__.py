"""Comparison by meaning: the one place that says when two definitions are the same.

Modules:
    comparison_report: compare two schemas, without a server and without statements.
    indexes: compare indexes by target, class and options.
    options: compare declared options with stored ones, by their meaning on this server.
    replication: compare a declared replication with the stored one, by meaning.
    views: compare the definitions of materialized views.
"""
