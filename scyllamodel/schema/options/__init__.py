"""Options of tables and views: declared in Python, stored by servers, compared by meaning, written as CQL."""

from scyllamodel.schema.options.canonical import OPTION_NAMES, canonical
from scyllamodel.schema.options.compare import differing_options, option_matches, reset_settings, stored_values
from scyllamodel.schema.options.declare import DOCSTRING, Setting, Settings, TableOptions
from scyllamodel.schema.options.emit import map_cql, option_cql
from scyllamodel.schema.options.stored import NON_OPTION_COLUMNS, stored_options, ttl_column
from scyllamodel.schema.options.supported import unalterable_options, unsupported_options

__all__ = [
    "DOCSTRING",
    "NON_OPTION_COLUMNS",
    "OPTION_NAMES",
    "Setting",
    "Settings",
    "TableOptions",
    "canonical",
    "differing_options",
    "map_cql",
    "option_cql",
    "option_matches",
    "reset_settings",
    "stored_options",
    "stored_values",
    "ttl_column",
    "unalterable_options",
    "unsupported_options",
]
