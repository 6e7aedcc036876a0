"""Options of tables and views: declared in Python, validated, written as CQL."""

from scyllamodel.schema.options.canonical import OPTION_NAMES, canonical
from scyllamodel.schema.options.cql import map_cql, option_cql
from scyllamodel.schema.options.server_support import unalterable_options, unsupported_options
from scyllamodel.schema.options.stored import NON_OPTION_COLUMNS, stored_options, ttl_column
from scyllamodel.schema.options.table_options import DOCSTRING, Setting, Settings, TableOptions

__all__ = [
    "DOCSTRING",
    "NON_OPTION_COLUMNS",
    "OPTION_NAMES",
    "Setting",
    "Settings",
    "TableOptions",
    "canonical",
    "map_cql",
    "option_cql",
    "stored_options",
    "ttl_column",
    "unalterable_options",
    "unsupported_options",
]
