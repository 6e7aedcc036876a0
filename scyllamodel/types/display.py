"""How a value may appear in reprs, messages, error attributes and logs: the one rule of redaction.

Every place that formats a value of a column calls the column's `Show`: `repr`; `hidden` for ``redact=True``; `veiled`
where a user type inside the column has a redacted field. Whatever a converter or the driver says about a value that is
not shown by `repr` is dropped, since its text may quote the value.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar, cast

from scyllamodel.errors import TypeMismatch
from scyllamodel.types.peel import peel
from scyllamodel.types.user_values import is_user_type

Show: TypeAlias = Callable[[Any], str]

HIDDEN: Final = "***"
"""Stands where a value that is not shown would."""

LONGEST: Final = 200
"""How much of a wrong value an error shows."""

_E = TypeVar("_E", bound=Exception)

_SEQUENCES: Final[Mapping[Any, str]] = {list: "[{}]", tuple: "({})", set: "{{{}}}", frozenset: "frozenset({{{}}})"}
_OWN: Final = ("scyllamodel.", "cassandra.")


def hidden(_: object) -> str:
    """Show nothing of a value."""
    return HIDDEN


def veiled(value: Any) -> str:
    """Show the instances of user types in a value, which hide their own secrets, and nothing else.

    A value of the wrong class, such as the tuple that the driver takes for a user type, has no fields to tell apart.
    """
    if value is None or is_user_type(value.__class__):
        return repr(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return f"{{{', '.join(f'{veiled(key)}: {veiled(item)}' for key, item in items)}}}"
    form = _SEQUENCES.get(type(value))
    return HIDDEN if form is None else form.format(", ".join(map(veiled, value)))


def choose(*, redact: bool, secret: bool) -> Show:
    """The function that shows the values of a column.

    Parameters:
        redact: the column is redacted.
        secret: a user type inside it has a redacted field.
    """
    return hidden if redact else veiled if secret else repr


def strictest(shows: Iterable[Show]) -> Show:
    """The function for a value that is made of several columns."""
    found = list(shows)
    return next((show for show in (hidden, veiled) if show in found), repr)


def holds_secrets(annotation: Any) -> bool:
    """Whether a user type somewhere in an annotation has a redacted field."""
    core = peel(annotation)[0]
    if is_user_type(core):
        return bool(getattr(core, "__secrets__", ()))
    return any(map(holds_secrets, typing.get_args(core)))


def shortened(text: str, value: object) -> str:
    """The text of a value, cut when it is long."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({type(value).__qualname__})"


def mismatch(
    where: str, cql_type: str, value: Any, cause: Exception, *, show: Show, details: Mapping[str, Any]
) -> TypeMismatch:
    """The error of a value that does not fit; to be raised outside of ``except``, so that no context hangs on it.

    Parameters:
        where: the column or field, as the message names it.
        cause: what the converter or the driver raised; of a field of a user type, the error made here for the field.
        show: how values of the column are shown.
        details: attributes of the error besides ``value``, which it has only if `repr` may show it.
    """
    if show is hidden:
        return TypeMismatch(f"{where}: its value, which is not shown, does not fit {cql_type}.", **details)
    if isinstance(cause, TypeMismatch):
        made = TypeMismatch(f"{where}: {cause}", **details)
        made.__cause__ = cause.__cause__ if show is repr else None
        return made
    shown = f"{where}: {shortened(show(value), value)} does not fit {cql_type}"
    if show is not repr:
        return TypeMismatch(f"{shown}.", **details)
    made = TypeMismatch(f"{shown}: {cause}", value=value, **details)
    made.__cause__ = _brief(cause)
    return made


def without_frames(error: _E) -> _E:
    """The error without the frames that it came through.

    Their locals are values of rows, which tools record; and what an object that others share keeps, they keep.
    """
    return error.with_traceback(None)


def _brief(cause: Exception) -> Exception:
    """The cause, without its traceback when that shows code of this package or the driver alone."""
    return cause if _leads_outside(cause.__traceback__) else cause.with_traceback(None)


def _leads_outside(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", _OWN[0])  # generated functions have none
        if not module.startswith(_OWN):
            return True
        traceback = traceback.tb_next
    return False
