"""Python source of model classes, written from facts.

Modules:
    annotation_source: annotations for CQL types, as an author would write them.
    classes: the class that declares a type, table or view, as lines of Python.
    module: a Python module whose models declare a keyspace.
    option_defaults: default values of options, which generated models leave out.
    python_names: Python names for database names: valid, unique, and equal in every run.
    unsupported: live objects that no class can declare, with the reason; `inspect` writes them as comments.
"""
