"""All errors of scyllamodel, as one tree.

::

    ScyllaModelError
    ├── ModelDefinitionError (TypeError)      a class body that does not define a table, view or type
    ├── UnknownColumn (AttributeError)        a column that the model does not have
    ├── TypeMismatch (TypeError)              a value that its column cannot store
    ├── LoadError (ValueError)                a stored value that its column cannot load
    ├── DiscoveryError (ImportError)          a package of models that cannot be imported
    │   └── NoModelsFound                     … or that contains no model
    ├── UnknownRepo (LookupError)             a repo name that is not configured
    ├── DuplicateTable (ValueError)           two live classes for one table
    ├── ConfigurationError (ValueError)       a setting that is missing or wrong
    ├── ConnectionFailed (ConnectionError)    no server could be connected
    ├── IntrospectionError                    the live schema could not be read
    ├── KeyspaceError                         the keyspace is missing or cannot be created
    ├── ImpossibleChange                      CQL has no statement for a required change
    ├── DestructiveChangeRefused              a change that needs ``allow=``
    ├── StalePlan                             a plan that no longer matches the live schema
    ├── LockTimeout (TimeoutError)            another run holds the lock without progress
    ├── LockLost                              this run no longer holds the lock
    ├── LedgerError                           the history of changes could not be read or written
    ├── SupersededModels                      a start-up sync of models that a later version replaced
    ├── UnknownVersion (LookupError)          a version that is not a target of a rollback
    ├── ForeignVersion                        a version of another application
    ├── IrreversibleStep                      a step without an inverse in CQL
    ├── OutOfSync (TimeoutError)              a start-up that may not change the schema, and something is missing
    ├── BuildTimeout (TimeoutError)           an index or view was not built in time
    ├── SchemaDisagreement (TimeoutError)     nodes did not agree on a schema in time
    ├── StepFailed                            a statement of the plan failed
    ├── MultipleReposFailed                   some of several repos failed
    ├── QueryNotSupported (ValueError)        a statement that the table's keys and indexes do not support
    ├── NotFound (LookupError)                no row where one is required
    ├── MultipleResultsFound (LookupError)    several rows where one is required
    ├── InvalidPageToken (ValueError)         a page token of another query, keyspace or program
    ├── RequestFailed                         a request that failed on the server; the driver's error is the cause
    │   ├── RequestTimeout (TimeoutError)     … because no response came in time
    │   │   └── UnknownOutcome                … to a conditional write, which may or may not be applied
    │   ├── ServiceUnavailable (ConnectionError)  … because nodes are down, overloaded or unreachable
    │   └── RequestRefused                    … because the statement cannot be executed
    │       └── PermissionDenied (PermissionError)  … by this role
    ├── ConcurrentWrite (RuntimeError)        an instance that another call is writing
    ├── BulkWriteError                        some of many rows were not written
    └── BackfillFailed                        some rows could not be copied

An error says what is wrong, where, and what to do. It has the details as attributes and a stable ``code``. It can be
pickled with its attributes and, if the cause can be pickled too, its cause.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs

from scyllamodel._json import to_json


class ScyllaModelError(Exception):
    """Base class of all errors that scyllamodel raises on purpose.

    Parameters:
        message: what is wrong, where, and what to do.
        **details: attributes of the error, which `to_dict` includes.
    """

    code: ClassVar[str] = "SM100"
    """The code that ``scyllamodel explain`` describes."""

    exit_code: ClassVar[int] = 1
    """Exit status of a command that ends with this error, for jobs and hooks."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self._details = tuple(details)
        for name, value in details.items():
            setattr(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values: ``code``, ``error``, ``message``, and its details."""
        details = {name: to_json(getattr(self, name)) for name in self._details}
        cause = self.__cause__
        return {
            "code": self.code,
            "error": type(self).__name__,
            "message": str(self),
            **({"cause": f"{type(cause).__name__}: {cause}"} if cause is not None else {}),
            **details,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, _portable_dict(self.__dict__), _portable_cause(self.__cause__))


def _rebuild(
    cls: type[ScyllaModelError], args: tuple[Any, ...], attributes: dict[str, Any], cause: BaseException | None
) -> ScyllaModelError:
    error = cls.__new__(cls, *args)
    Exception.__init__(error, *args)
    error.__dict__.update(attributes)
    error.__cause__ = cause
    return error


def _portable(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - a foreign __reduce__ may raise anything
        return False
    return True


def _portable_dict(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if _portable(value) else repr(value) for name, value in attributes.items()}


def _portable_cause(cause: BaseException | None) -> BaseException | None:
    """Return the cause, or its text if it cannot be pickled: a driver error can contain sockets and locks."""
    if cause is None or _portable(cause):
        return cause
    return RuntimeError(f"{type(cause).__name__}: {cause}")


def hide_frame(exc_info: Any) -> bool:
    """Return whether pytest hides a frame of this package in a traceback: if the error was raised on purpose.

    This is the value of ``__tracebackhide__`` in generated functions and, set by the pytest plugin, in all modules.

    Parameters:
        exc_info: pytest's ``ExceptionInfo``, or None.
    """
    return isinstance(getattr(exc_info, "value", None), ScyllaModelError)


@attrs.frozen
class Problem:
    """One mistake in a model definition.

    Attributes:
        code: stable and searchable, such as ``MD101``.
        where: the class, or class and column, such as ``shop.models.Order.tags``.
        text: what is wrong.
        advice: what to write instead.
    """

    code: str
    where: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text} [{self.code}]\n  {self.advice}"

    def to_dict(self) -> dict[str, str]:
        """Return the problem as plain JSON values."""
        return attrs.asdict(self)


class ModelDefinitionError(ScyllaModelError, TypeError):
    """A class body does not define a valid table, view or type; ``problems`` lists all its mistakes."""

    code = "MD100"
    exit_code = 3
    problems: tuple[Problem, ...]

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        mistakes = tuple(problems)
        count = "one mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        listed = "\n".join(str(mistake) for mistake in mistakes)
        super().__init__(f"{name} has {count}:\n{listed}", model=name, problems=mistakes)


class UnknownColumn(ScyllaModelError, AttributeError):
    """The model does not have the column; ``model`` and ``column`` are their names."""

    code = "QY101"


class TypeMismatch(ScyllaModelError, TypeError):
    """A column cannot store the value; ``column`` is its name, and the value is shown unless it is redacted."""

    code = "QY102"


class LoadError(ScyllaModelError, ValueError):
    """A stored value cannot be loaded as a value of its column; the connection and all other rows are intact.

    ``model``, ``table`` and ``column`` say where. ``key`` maps the attributes of the primary key to their values,
    as far as they were read. ``value`` is the stored value unless the column is redacted. The cause is attached.
    """

    model: str
    table: str
    column: str
    key: dict[str, Any]
    code = "QY114"


class DiscoveryError(ScyllaModelError, ImportError):
    """A package of models cannot be imported; ``module`` is its name, and the cause is attached."""

    code = "DC101"


class NoModelsFound(DiscoveryError):
    """The packages of a repo contain no model of that repo."""

    code = "DC102"


class UnknownRepo(ScyllaModelError, LookupError):
    """A model is bound to a repo name that is not configured."""

    code = "DC103"
    exit_code = 78


class DuplicateTable(ScyllaModelError, ValueError):
    """Two classes define one table of one repo."""

    code = "DC104"


class ConfigurationError(ScyllaModelError, ValueError):
    """A setting is missing or not valid."""

    code = "CF101"
    exit_code = 78


class ConnectionFailed(ScyllaModelError, ConnectionError):
    """No server could be connected: the host, port, password or data centre is wrong, or the server is down."""

    code = "CN101"


class IntrospectionError(ScyllaModelError):
    """The live schema could not be read; this is never treated as "no changes"."""

    code = "CN102"


class KeyspaceError(ScyllaModelError):
    """The keyspace is missing, or could not be created."""

    code = "KS100"


class ImpossibleChange(ScyllaModelError):
    """The models need a change that CQL cannot make; ``refusals`` lists all diagnostics, and nothing ran."""

    code = "PL101"
    exit_code = 3


class DestructiveChangeRefused(ScyllaModelError):
    """The plan contains changes that need ``allow=``; ``refusals`` lists them, and nothing ran."""

    code = "PL102"
    exit_code = 3


class StalePlan(ScyllaModelError):
    """An earlier plan no longer matches schema and models; ``moved`` lists the differences, and nothing ran."""

    code = "PL103"
    exit_code = 4


class LockTimeout(ScyllaModelError, TimeoutError):
    """Another run holds the lock of a keyspace and made no progress in time; nothing ran.

    ``holder``, ``host``, ``pid``, ``purpose``, ``version`` and ``step`` describe the holder, and ``age`` is the time
    since it took the lock in seconds, by the clocks of both machines. All are None if the lock is free but the server
    does not confirm a holder.
    """

    code = "AP104"
    exit_code = 5


class LockLost(ScyllaModelError):
    """This run sent no heartbeat for longer than its lease, and no longer holds the lock of its keyspace.

    It is raised before a statement is sent, never after. ``host`` and ``pid`` identify the new holder, if there is one.
    """

    code = "AP105"
    exit_code = 6


class LedgerError(ScyllaModelError):
    """The history of changes could not be read or written; ``scope`` is its name. The next run reads the schema."""

    code = "LG104"


class SupersededModels(ScyllaModelError):
    """Other models or a rollback superseded these models, and a start-up sync does not restore them; nothing ran.

    ``version`` is the last version of these models, ``head`` the newest version, ``missing`` the changes that a sync
    would make.
    """

    code = "LG101"
    exit_code = 3


class UnknownVersion(ScyllaModelError, LookupError):
    """A rollback cannot return to the version ``version``; ``versions`` lists the possible ones."""

    code = "RB102"


class ForeignVersion(ScyllaModelError):
    """A version to undo belongs to another application; see ``version``, ``theirs`` and ``ours``. Nothing ran."""

    code = "LG103"
    exit_code = 3


class IrreversibleStep(ScyllaModelError):
    """Steps to undo have no inverse in CQL; ``steps`` lists all of them, and nothing ran."""

    code = "RB101"
    exit_code = 3


class OutOfSync(ScyllaModelError, TimeoutError):
    """Something is missing on the server, and this start-up may not change the schema; ``plan`` lists what."""

    code = "AP107"
    exit_code = 2


class BuildTimeout(ScyllaModelError, TimeoutError):
    """Indexes or views were not built in time; ``unbuilt`` lists them. All statements were applied."""

    code = "AP106"
    exit_code = 7


class SchemaDisagreement(ScyllaModelError, TimeoutError):
    """The nodes did not agree on one schema in time; ``versions`` maps each version to its nodes.

    The page "Losing a node" of the guide describes how a node that stays behind catches up.

    During a migration, ``applied`` is the number of applied steps, and ``result`` has the details.
    """

    applied: int
    result: Any
    code = "AP101"
    exit_code = 7


class StepFailed(ScyllaModelError):
    """A statement failed; see ``step``, ``applied`` (the number of applied steps) and ``result``."""

    applied: int
    result: Any
    code = "AP102"
    exit_code = 6


class MultipleReposFailed(ScyllaModelError):
    """Some of several repos failed; ``failures`` maps their names to errors, ``results`` has those of the others."""

    code = "AP103"
    exit_code = 6


class QueryNotSupported(ScyllaModelError, ValueError):
    """The keys and indexes of the table do not support a statement; it was not sent.

    ``needs`` lists the missing columns, ``helps`` what would support it: an index, a view, a keyword.
    """

    code = "QY103"


class NotFound(ScyllaModelError, LookupError):
    """No row was found where one is required."""

    code = "QY104"


class MultipleResultsFound(ScyllaModelError, LookupError):
    """Several rows were found where one is required."""

    code = "QY105"


class InvalidPageToken(ScyllaModelError, ValueError):
    """A page token was created for another query or keyspace, by another version, or with another secret."""

    code = "QY106"


class RequestFailed(ScyllaModelError):
    """A request failed for a reason that no subclass describes; the driver's error is its ``__cause__``.

    ``may_be_applied`` is true for a write that replicas may have applied, or may still apply.
    """

    may_be_applied: bool
    code = "QY109"


class RequestTimeout(RequestFailed, TimeoutError):
    """A request received no response in time from the replicas or from the coordinator.

    A read can be sent again. A write may be applied: ``may_be_applied`` is true, and the message says whether it is
    safe to send it again.
    """

    code = "QY110"


class ServiceUnavailable(RequestFailed, ConnectionError):
    """Too few nodes are up, they are overloaded, or none can be reached; send the request again later.

    ``may_be_applied`` is true for a write whose connection broke before the response.
    """

    code = "QY111"


class RequestRefused(RequestFailed):
    """The server refused a statement, and would refuse it again; nothing was applied.

    The usual cause is a missing table or column, because the models are not migrated.
    """

    code = "QY112"


class PermissionDenied(RequestRefused, PermissionError):
    """The role of this connection lacks a permission, or its login was refused; nothing was applied."""

    code = "QY113"


class UnknownOutcome(RequestTimeout):
    """A conditional write received no conclusive response: it was applied, was not applied, or will be applied later.

    A read of the row at SERIAL completes a write that replicas have accepted; ``query`` is that read. A request that is
    delayed in the network or by a busy node can still be applied after that read.
    """

    query: Any

    def resolve(self, repo: Any) -> Any:
        """Read the row at SERIAL and return it, or None if it does not exist; for an `AsyncRepo`, await the result.

        If the row has a value of this write, the write was applied. If it has not, the write may still be applied
        later: choose a condition that is false for a late request, for example on a version that each write increments.

        Raises:
            LookupError: the write concerns several rows; read each of them at SERIAL.
        """
        if self.query is None:
            raise LookupError('This write concerns several rows: read each of them with .consistency("SERIAL").')
        return repo.one_or_none(self.query)

    code = "QY107"


class ConcurrentWrite(ScyllaModelError, RuntimeError):
    """Another call is writing the instance, or has written it since a batch collected it; nothing was sent.

    A save sends the difference to the last loaded or saved row, so two concurrent saves of one instance would send the
    same difference twice, and append elements twice.
    """

    code = "QY115"


class BulkWriteError(ScyllaModelError):
    """Some of many rows were not written; ``report`` lists them with their errors."""

    report: Any
    code = "QY108"


class BackfillFailed(ScyllaModelError):
    """Some rows could not be converted or written; ``report`` lists them. Calling it again resumes from there."""

    report: Any
    code = "BF101"
    exit_code = 6
