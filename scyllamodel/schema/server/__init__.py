"""What the connected server is and can do; the only place that asks which server it is.

Modules:
    detection: what a server says of itself -> its `ServerProfile`.
    options: options of tables, their classes and sub-options that not every server has: whose they are.
    profile: the server and its capabilities: the only module that distinguishes servers by name and version.
    virtual_columns: what keeps every regular column of a table on ScyllaDB, as virtual columns.
"""
