"""Options of tables and views: declared in Python, stored by servers, compared by meaning, written as CQL."""

from scyllamodel.schema.options.canonical import OPTION_NAMES, canonical
from scyllamodel.schema.options.compare import before, changed, lost, same
from scyllamodel.schema.options.declare import DOCSTRING, Setting, Settings, TableOptions
from scyllamodel.schema.options.emit import map_cql, option_cql
from scyllamodel.schema.options.stored import NO_OPTIONS, stored_options, ttl_column
from scyllamodel.schema.options.supported import unalterable, unknown_here

__all__ = [
    "DOCSTRING",
    "NO_OPTIONS",
    "OPTION_NAMES",
    "Setting",
    "Settings",
    "TableOptions",
    "before",
    "canonical",
    "changed",
    "lost",
    "map_cql",
    "option_cql",
    "same",
    "stored_options",
    "ttl_column",
    "unalterable",
    "unknown_here",
]
