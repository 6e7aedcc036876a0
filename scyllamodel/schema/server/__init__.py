"""The connected server and its capabilities; the only package that distinguishes servers by name.

Modules:
    detection: detection of the server's profile.
    options: the engine and release of table options, classes and sub-options that not every server has.
    profile: the server and its capabilities: the only module that distinguishes servers by name and version.
    virtual_columns: views and indexes that keep all regular columns of their table, as virtual columns (ScyllaDB).
"""
