"""What "the same" means for options, indexes, views and replication.

Modules:
    comparison_report: two schemas -> what is different, in words that need no server and no statement.
    options: compare declared options with stored ones, by their meaning on this server.
"""
