"""Writes model classes; the one writer of Python source.

Modules:
    annotation_source: CQL types -> annotations as an author would write them.
    classes: one type, table or view -> the class that declares it, as lines of Python.
    module: facts -> a Python module whose models declare them, and nothing else.
    option_defaults: what a server stores for an option when nobody declared it, so.
    python_names: names of the database -> names for Python: valid, free, and the same in every run.
    unsupported: live objects that no class can declare, with the reason; `inspect` writes them as comments.
"""
