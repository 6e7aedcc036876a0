"""Comparison of schemas and of options by their meaning.

Modules:
    comparison_report: compare two schemas, without a server and without statements.
    options: compare declared options with stored ones, by their meaning on this server.
"""
