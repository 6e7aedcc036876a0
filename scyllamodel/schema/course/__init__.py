"""The way round a change that CQL cannot do: expand, write both, backfill, switch, contract.

*In*: both sides of a table, and what was refused. *Out*: a `Course`: for each stage the classes as they are then, the
statements that run, and the commands to type. No I/O.
"""

from scyllamodel.schema.course.columns import column_course
from scyllamodel.schema.course.sides import Refused
from scyllamodel.schema.course.stages import Course, Stage
from scyllamodel.schema.course.tables import table_course
from scyllamodel.schema.course.types import held, type_course

__all__ = ["Course", "Refused", "Stage", "column_course", "held", "table_course", "type_course"]
