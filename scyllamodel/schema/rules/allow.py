"""Check the values of ``allow=`` before anything is read, and report those without effect.

*In*: the values; later, the diagnostics of a finished plan. *Out*: the values as a tuple, or an error; notes for values
that no diagnostic needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from scyllamodel._text import closest
from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules.catalogue import CATALOGUE
from scyllamodel.schema.rules.context import is_allowed

_STEP_CODES: Final = ("LG107", "RB106", "RB107", "RB108", "RB110", "RB111")
"""Codes about one step or version of the ledger; the value has to give its number."""

ALLOWABLE: Final = (
    "BC101", "DS101", "DS102", "DS103", "DS104", "DS105", "DS106", "DS107", "DS108", "OP105", *_STEP_CODES,
)  # fmt: skip
"""The codes of refusals that can be allowed; all other refusals are final."""


def checked_values(allow: str | Collection[str]) -> tuple[str, ...]:
    """Return the values of ``allow=`` as a tuple; a single string is one value.

    Raises:
        ConfigurationError: a value is not ``CODE`` or ``CODE:OBJECT``, or its code is unknown or cannot be allowed.
    """
    values = (allow,) if isinstance(allow, str) else tuple(allow)
    for value in values:
        _check(value)
    return values


def _check(value: object) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"allow= needs strings such as 'DS103:orders.legacy', not {value!r}.", setting="allow")
    code, colon, name = value.partition(":")
    allowable_text = f"codes that can be allowed are {', '.join(ALLOWABLE)}."
    if code not in ALLOWABLE:
        nearest = closest(code, ALLOWABLE)
        final_message = f"{code} cannot be allowed: {allowable_text} `scyllamodel explain {code}` gives the reason."
        unknown_message = f"Unknown code {code!r} in allow={value!r}: {allowable_text}"
        unknown_message += f" Did you mean {nearest}?" if nearest else ""
        raise ConfigurationError(final_message if code in CATALOGUE else unknown_message, setting="allow")
    if code in _STEP_CODES and not name:
        text = f"allow={value!r} needs a step or version of the ledger, as printed by the refusal: {code}:VERSION…"
        raise ConfigurationError(text, setting="allow")
    if colon and not name:
        text = f"allow={value!r} has no name after the colon. Use {code}:NAME, or {code} for all objects."
        raise ConfigurationError(text, setting="allow")


def unused_notes(
    allow: Collection[str], diagnostics: Iterable[Diagnostic], explanations: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield a note for each value of ``allow=`` that no diagnostic of the plan needed.

    Parameters:
        explanations: for each object, by its raw dotted name without the keyspace, the reason why it is not dropped, or
            the code that would drop it.
    """
    all_diagnostics = list(diagnostics)
    for value in allow:
        if not any(is_allowed(diagnostic, frozenset({value})) for diagnostic in all_diagnostics):
            yield Diagnostic("AL101", "warn", value, "this allow= had no effect", _unused_reason(value, explanations))


def _unused_reason(value: str, explanations: Mapping[str, str]) -> str:
    name = value.partition(":")[2]
    if not name or not explanations:
        return f"No refusal of this plan has {value}."
    reason = explanations.get(name) or explanations.get(name.partition(".")[2])
    if reason is not None:
        return reason
    nearest = closest(name, explanations)
    advice = "" if nearest is None else f" Did you mean {nearest}? {explanations[nearest]}"
    return f"There is no object {name}.{advice}"
