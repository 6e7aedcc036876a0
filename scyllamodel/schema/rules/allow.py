"""The values of ``allow=``: checked before anything is read, and reported where they had no effect.

*In*: what a caller allows; later, the diagnostics of a finished plan. *Out*: the same values as a tuple, or an error;
notes for those that no diagnostic asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules.case import allowed
from scyllamodel.schema.rules.catalogue import CATALOGUE

_BY_STEP: Final = ("LG107", "RB106", "RB107", "RB108", "RB110")
"""Codes about one step or version of the ledger, which is named by its numbers, or not allowed at all."""

ALLOWABLE: Final = ("BC101", "DS101", "DS102", "DS103", "DS104", "DS105", "DS106", "DS107", *_BY_STEP)
"""The codes of what is refused by default and may run all the same; every other refusal is final."""


def checked(allow: str | Collection[str]) -> tuple[str, ...]:
    """Return the values of ``allow=``; a single text counts as one value.

    Raises:
        ConfigurationError: a value is not ``CODE`` or ``CODE:OBJECT``, or its code is unknown or cannot be allowed.
    """
    values = (allow,) if isinstance(allow, str) else tuple(allow)
    for value in values:
        _check(value)
    return values


def _check(value: object) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"allow= takes texts such as 'DS103:orders.legacy', not {value!r}.", setting="allow")
    code, colon, name = value.partition(":")
    known = f"codes that can be allowed are {', '.join(ALLOWABLE)}."
    if code not in ALLOWABLE:
        near = difflib.get_close_matches(code.upper(), ALLOWABLE, 1)
        final = f"{code} cannot be allowed: {known} `scyllamodel explain {code}` gives the reason."
        unknown = f"Unknown code {code!r} in allow={value!r}: {known}{f' Did you mean {near[0]}?' if near else ''}"
        raise ConfigurationError(final if code in CATALOGUE else unknown, setting="allow")
    if code in _BY_STEP and not name:
        text = f"allow={value!r} has to name a step or version of the ledger, as the refusal prints it: {code}:VERSION…"
        raise ConfigurationError(text, setting="allow")
    if colon and not name:
        text = f"allow={value!r} names nothing after the colon. Write {code}:NAME, or {code} for all of them."
        raise ConfigurationError(text, setting="allow")


def unused(allow: Collection[str], diagnostics: Iterable[Diagnostic], known: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield a note for each value of ``allow=`` that no diagnostic of the plan asked for.

    Parameters:
        known: why an object, by its raw dotted name without the keyspace, is not dropped; or the code that would.
    """
    every = list(diagnostics)
    for value in allow:
        if not any(allowed(one, frozenset({value})) for one in every):
            yield Diagnostic("AL101", "warn", value, "this allow= had no effect", _why(value, known))


def _why(value: str, known: Mapping[str, str]) -> str:
    name = value.partition(":")[2]
    if not name or not known:
        return f"Nothing in this plan is refused with {value}."
    reason = known.get(name) or known.get(name.partition(".")[2])
    if reason is not None:
        return reason
    near = difflib.get_close_matches(name, known, 1)
    return f"Nothing of the name {name} is there." + (f" Did you mean {near[0]}? {known[near[0]]}" if near else "")
