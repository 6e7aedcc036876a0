"""Options of tables and views: declared in Python, validated, written as CQL.

Modules:
    canonical: canonical values of table options, equal for declared and stored options with the same meaning.
    cql: CQL for canonical options, in the spelling of the connected server.
    server_support: declared options that this server refuses, found before anything is sent.
    stored: the options of a table or view, read from rows of ``system_schema``.
    sub_options: the sub-options of each compaction and compression class, with their allowed values.
    table_options: `TableOptions`: the options that a model declares for its table or view.
    validation: option values that no server accepts, found before anything is sent.
"""

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
