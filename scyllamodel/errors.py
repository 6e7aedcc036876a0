"""Every error of scyllamodel, as one tree.

::

    ScyllaModelError
    ├── ModelDefinitionError (TypeError)      a class body that cannot be a table
    ├── UnknownColumn (AttributeError)        a column the model does not have
    ├── TypeMismatch (TypeError)              a value its column cannot hold
    ├── LoadError (ValueError)                a stored value that its column cannot load
    ├── DiscoveryError (ImportError)          a models package that does not import
    │   └── NoModelsFound                     … or that holds no model
    ├── UnknownRepo (LookupError)             a repo name that nobody configured
    ├── DuplicateTable (ValueError)           two live classes for one table
    ├── ConfigurationError (ValueError)       a setting that is missing or wrong
    ├── ConnectionFailed (ConnectionError)    no server answers as it should
    ├── IntrospectionError                    the live schema could not be read
    ├── KeyspaceError                         the keyspace is missing or cannot be made
    ├── ImpossibleChange                      CQL has no statement for a wanted change
    ├── DestructiveChangeRefused              a change that needs ``allow=``
    ├── StalePlan                             a plan that no longer fits what is live
    ├── LockTimeout (TimeoutError)            somebody else changes the keyspace, and makes no progress
    ├── LockLost                              this run was silent for so long that another one took over
    ├── LedgerError                           the history of changes could not be read or written
    ├── SupersededModels                      a start-up sync of models that a later version replaced
    ├── UnknownVersion (LookupError)          a version that the ledger cannot go back to
    ├── ForeignVersion                        a version that another application wrote
    ├── IrreversibleStep                      a step to undo that CQL has no inverse for
    ├── OutOfSync (TimeoutError)              a start-up that may not change the schema finds something missing
    ├── BuildTimeout (TimeoutError)           an index or view is there and not filled in time
    ├── SchemaDisagreement (TimeoutError)     nodes did not agree on a schema in time
    ├── StepFailed                            a statement of the plan failed
    ├── MultipleReposFailed                         of several repos, some failed
    ├── QueryNotSupported (ValueError)        a statement that the table's keys and indexes do not serve
    ├── NotFound (LookupError)                no row where one is needed
    ├── MultipleResultsFound (LookupError)    several rows where one is needed
    ├── InvalidPageToken (ValueError)         a page token of another query, keyspace or program
    ├── RequestFailed                         a request that the server did not serve; the driver's error is the cause
    │   ├── RequestTimeout (TimeoutError)     … for no answer came in time
    │   │   └── UnknownOutcome                … to a conditional write, of which nobody knows whether it was applied
    │   ├── ServiceUnavailable (ConnectionError)  … for nodes are down, overloaded or not reached
    │   └── RequestRefused                    … for it cannot be executed
    │       └── PermissionDenied (PermissionError)  … by this role
    ├── ConcurrentWrite (RuntimeError)        an instance that another call is writing at this moment
    ├── BulkWriteError                        some rows of many were not written
    └── BackfillFailed                        some rows could not be copied

An error says what is wrong, where, and what to do; carries what it speaks of as attributes; has a stable ``code``;
and goes through `pickle` with its attributes and, where the cause can be pickled too, its cause.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeGuard

import attrs


class ScyllaModelError(Exception):
    """Base of every error that scyllamodel raises on purpose.

    Parameters:
        message: what is wrong, where, and what to do.
        **details: kept as attributes of the error, and shown by `to_dict`.
    """

    code: ClassVar[str] = "SM100"
    exit_code: ClassVar[int] = 1
    """The exit status of a command that ends with this error; a Job or a hook decides by it."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self._details = tuple(details)
        for name, value in details.items():
            setattr(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The error as plain JSON values: ``code``, ``error``, ``message``, and its details."""
        found = {name: _plain(getattr(self, name)) for name in self._details}
        cause = self.__cause__
        return {
            "code": self.code,
            "error": type(self).__name__,
            "message": str(self),
            **({"cause": f"{type(cause).__name__}: {cause}"} if cause is not None else {}),
            **found,
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
    except Exception:  # noqa: BLE001 - whatever a foreign __reduce__ raises, the answer is no
        return False
    return True


def _portable_dict(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if _portable(value) else repr(value) for name, value in attributes.items()}


def _portable_cause(cause: BaseException | None) -> BaseException | None:
    """The cause itself, or its text: a driver error can hold sockets and locks."""
    if cause is None or _portable(cause):
        return cause
    return RuntimeError(f"{type(cause).__name__}: {cause}")


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, (list, tuple, set, frozenset))


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if _is_mapping(value):
        return {str(key): _plain(item) for key, item in value.items()}
    if _is_sequence(value):
        return [_plain(item) for item in value]
    to_dict = getattr(value, "to_dict", None)
    if callable(to_dict) and not isinstance(value, type):
        return to_dict()
    return value.__qualname__ if isinstance(value, type) else str(value)


def hide_frame(caught: Any) -> bool:
    """Whether pytest leaves a frame of this package out of a traceback: where the error was raised on purpose.

    It is the value of ``__tracebackhide__`` in generated functions, and by the pytest plugin in all modules.

    Parameters:
        caught: pytest's ``ExceptionInfo``, or None.
    """
    return isinstance(getattr(caught, "value", None), ScyllaModelError)


@attrs.frozen
class Problem:
    """One mistake of a model definition.

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
        """The problem as plain JSON values."""
        return attrs.asdict(self)


class ModelDefinitionError(ScyllaModelError, TypeError):
    """A class body that cannot be a table, a view or a type; all its mistakes together in ``problems``."""

    code = "MD100"
    exit_code = 3
    problems: tuple[Problem, ...]

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        count = "one mistake" if len(found) == 1 else f"{len(found)} mistakes"
        listed = "\n".join(str(problem) for problem in found)
        super().__init__(f"{name} has {count}:\n{listed}", model=name, problems=found)


class UnknownColumn(ScyllaModelError, AttributeError):
    """A column that the model does not have; ``model`` and ``column`` name both."""

    code = "QY101"


class TypeMismatch(ScyllaModelError, TypeError):
    """A value that its column cannot hold; ``column`` names it, the value is shown unless it is redacted."""

    code = "QY102"


class LoadError(ScyllaModelError, ValueError):
    """A stored value that cannot become a value of its column; the connection and all other rows are intact.

    ``model``, ``table`` and ``column`` tell where, ``key`` maps the attributes of the primary key to their values, as
    far as they were read, ``value`` is what is stored unless the column is redacted; the cause is attached.
    """

    model: str
    table: str
    column: str
    key: dict[str, Any]
    code = "QY114"


class DiscoveryError(ScyllaModelError, ImportError):
    """A models package that does not import; ``module`` names it and the cause is attached."""

    code = "DC101"


class NoModelsFound(DiscoveryError):
    """The packages of a repo import, but hold no model of it."""

    code = "DC102"


class UnknownRepo(ScyllaModelError, LookupError):
    """A model is bound to a repo name that is not configured."""

    code = "DC103"
    exit_code = 78


class DuplicateTable(ScyllaModelError, ValueError):
    """Two live classes describe one table of one repo."""

    code = "DC104"


class ConfigurationError(ScyllaModelError, ValueError):
    """A setting that is missing or cannot be used."""

    code = "CF101"
    exit_code = 78


class ConnectionFailed(ScyllaModelError, ConnectionError):
    """No server answered as it should: wrong host, port, password, data centre, or nothing there."""

    code = "CN101"


class IntrospectionError(ScyllaModelError):
    """The live schema could not be read; this is never taken for "no changes"."""

    code = "CN102"


class KeyspaceError(ScyllaModelError):
    """The keyspace is missing, or could not be made."""

    code = "KS100"


class ImpossibleChange(ScyllaModelError):
    """The models want what CQL cannot do to the live tables; ``refusals`` holds every diagnostic, nothing ran."""

    code = "PL101"
    exit_code = 3


class DestructiveChangeRefused(ScyllaModelError):
    """The plan holds changes that need ``allow=``; ``refusals`` names them, nothing ran."""

    code = "PL102"
    exit_code = 3


class StalePlan(ScyllaModelError):
    """A plan made earlier no longer fits the live schema and the models; ``moved`` lists what changed, nothing ran."""

    code = "PL103"
    exit_code = 4


class LockTimeout(ScyllaModelError, TimeoutError):
    """Somebody else holds the lock of a keyspace and made no progress in time; nothing ran.

    ``holder``, ``host``, ``pid``, ``purpose``, ``version`` and ``step`` tell who and where, ``age`` for how many
    seconds, by the two machines' clocks; all are None if the lock is free and the server confirms no holder.
    """

    code = "AP104"
    exit_code = 5


class LockLost(ScyllaModelError):
    """This run was silent for longer than its lease, and no longer holds the lock of its keyspace.

    It is raised before a statement is sent, never after. ``host`` and ``pid`` tell who took over, if anybody did.
    """

    code = "AP105"
    exit_code = 6


class LedgerError(ScyllaModelError):
    """The history of changes could not be read or written; ``scope`` names it. What runs next looks at the schema."""

    code = "LG104"


class SupersededModels(ScyllaModelError):
    """These models were replaced by others, or rolled back, and a start-up sync does not bring them back; nothing ran.

    ``version`` is the last one that was for these models, ``head`` the newest one, ``missing`` what would be made.
    """

    code = "LG101"
    exit_code = 3


class UnknownVersion(ScyllaModelError, LookupError):
    """A version that one cannot go back to; ``version`` names it, ``versions`` lists those that one can."""

    code = "RB102"


class ForeignVersion(ScyllaModelError):
    """A version to undo was made by another application; ``version``, ``theirs`` and ``ours`` tell. Nothing ran."""

    code = "LG103"
    exit_code = 3


class IrreversibleStep(ScyllaModelError):
    """Steps to undo have no inverse in CQL; ``steps`` holds all of them, nothing ran."""

    code = "RB101"
    exit_code = 3


class OutOfSync(ScyllaModelError, TimeoutError):
    """Something is missing on the server, and the mode of this start-up is to change nothing; ``plan`` tells what."""

    code = "AP107"
    exit_code = 2


class BuildTimeout(ScyllaModelError, TimeoutError):
    """Indexes or views were not built in time; ``unbuilt`` names them. All statements went through."""

    code = "AP106"
    exit_code = 7


class SchemaDisagreement(ScyllaModelError, TimeoutError):
    """The nodes did not agree on one schema in time; ``versions`` maps each version to its nodes.

    While a plan was applied, ``applied`` says how many steps went through, and ``result`` tells the rest.
    """

    applied: int
    result: Any
    code = "AP101"
    exit_code = 7


class StepFailed(ScyllaModelError):
    """A statement of the plan failed; ``step``, ``applied`` (how many went through) and ``result`` tell the rest."""

    applied: int
    result: Any
    code = "AP102"
    exit_code = 6


class MultipleReposFailed(ScyllaModelError):
    """Of several repos some failed: ``failures`` maps their names to errors, ``results`` holds what the others did."""

    code = "AP103"
    exit_code = 6


class QueryNotSupported(ScyllaModelError, ValueError):
    """A statement that the keys and indexes of its table do not serve, refused before it is sent.

    ``needs`` names the columns that it would need, ``helps`` what would serve it: an index, a view, a word.
    """

    code = "QY103"


class NotFound(ScyllaModelError, LookupError):
    """There is no row where one was asked for."""

    code = "QY104"


class MultipleResultsFound(ScyllaModelError, LookupError):
    """There are several rows where one was asked for."""

    code = "QY105"


class InvalidPageToken(ScyllaModelError, ValueError):
    """A page token that was made for another query or keyspace, by another version, or by somebody else."""

    code = "QY106"


class RequestFailed(ScyllaModelError):
    """A request failed for a reason that no subclass names; the driver's error is its ``__cause__``.

    ``may_be_applied`` says whether it was a write that some replicas may have taken, or may take yet.
    """

    may_be_applied: bool
    code = "QY109"


class RequestTimeout(RequestFailed, TimeoutError):
    """A request got no answer in time, from the replicas or from the coordinator.

    A read can be sent again. A write may be applied: ``may_be_applied`` is true, and the message says whether it is
    safe to send it again.
    """

    code = "QY110"


class ServiceUnavailable(RequestFailed, ConnectionError):
    """Too few nodes are up, they are overloaded, or none is reached; send the request again later.

    ``may_be_applied`` is true for a write whose connection broke before its answer came.
    """

    code = "QY111"


class RequestRefused(RequestFailed):
    """The server refused a statement, and would refuse it again; nothing was applied.

    A table or column that is not there is the usual cause: the migration of the models was not applied.
    """

    code = "QY112"


class PermissionDenied(RequestRefused, PermissionError):
    """The role of this connection lacks a permission, or its login is refused; nothing was applied."""

    code = "QY113"


class UnknownOutcome(RequestTimeout):
    """A conditional write got no answer that settles it: it was applied, or was not, or will be yet.

    A read of the row at SERIAL completes what replicas have accepted; ``query`` is that read. A request that has not
    reached a server yet, because the network or a busy node holds it, can still be applied after that read.
    """

    query: Any

    def resolve(self, repo: Any) -> Any:
        """Read the row at SERIAL: the row, or None if there is none; from an `AsyncRepo`, to be awaited.

        A value of this write in it says that the write was applied. Its absence does not say that it never will be:
        write the condition so that a late request finds it false, for example on a version that each write increments.

        Raises:
            LookupError: the write spoke of several rows; each has to be read at SERIAL.
        """
        if self.query is None:
            raise LookupError('This write spoke of several rows: read each of them with .consistency("SERIAL").')
        return repo.one_or_none(self.query)

    code = "QY107"


class ConcurrentWrite(ScyllaModelError, RuntimeError):
    """An instance is being written by another call, or was written since a batch collected it; nothing was sent.

    What a save sends is the difference to the row as it was last loaded or saved, so two saves of one instance at a
    time would send one difference twice: elements would be appended twice.
    """

    code = "QY115"


class BulkWriteError(ScyllaModelError):
    """Of many rows some were not written; ``report`` tells which, and why."""

    report: Any
    code = "QY108"


class BackfillFailed(ScyllaModelError):
    """Some rows could not be converted or written; ``report`` tells which. A second call goes on from there."""

    report: Any
    code = "BF101"
    exit_code = 6
