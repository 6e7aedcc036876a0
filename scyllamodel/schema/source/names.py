"""Names of the database -> names for Python: valid, free, and the same in every run.

*In*: raw names, which may hold anything. *Out*: identifiers of ASCII letters, digits and underscores. The raw name is
never lost: whoever writes a class says it beside the identifier where the two differ.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

IMPORTED: Final[frozenset[str]] = frozenset(
    "Annotated Any Column Index MaterializedView Model TableOptions UserType UUID Decimal "
    "annotations as_is clustering_key column cql date datetime partition_key time".split()
)
"""What a generated module has at its top."""

_BUILTINS: Final[frozenset[str]] = frozenset(
    "bool bytes dict float frozenset int list object set str tuple None self".split()
)
_OFFERED: Final[frozenset[str]] = frozenset({"_abc_impl", "replace", "sync_all", "sync_all_async"})
"""What the public base classes offer; a test compares."""

_TAKEN: Final = IMPORTED | _BUILTINS | _OFFERED
"""No attribute may hide what annotations speak of, or what the base classes offer."""


def class_names(names: Iterable[str]) -> Iterator[str]:
    """A class for each raw name, in order, no two alike.

    >>> list(class_names(["order_lines", "OrderLines", "2nd", "model", "none"]))
    ['OrderLines', 'OrderLines2', 'T2nd', 'Model2', 'None2']
    """
    taken: set[str] = set(IMPORTED)
    numbers: dict[str, int] = {}
    for name in names:
        words = re.split(r"[^A-Za-z0-9]+", name)
        made = "".join(word[:1].upper() + word[1:] for word in words)
        made = made if made[:1].isalpha() else f"T{made}"
        found = _free(made, taken, "", numbers)
        taken.add(found)
        yield found


def attributes(names: Iterable[str]) -> dict[str, str]:
    """An attribute for each raw name of one class, no two alike.

    >>> attributes(["id", "ID", "a b", "1st", "class", "str", "_", "__x"])
    {'id': 'id', 'ID': 'id_2', 'a b': 'a_b', '1st': 'c_1st', 'class': 'class_', 'str': 'str_', '_': 'c', '__x': 'x'}
    """
    raw = list(names)
    found = {name: name for name in raw if _attribute(name) == name}
    taken = set(found)
    numbers: dict[str, int] = {}
    for name in raw:
        if name not in found:
            found[name] = _free(_attribute(name), taken, "_", numbers)
            taken.add(found[name])
    return {name: found[name] for name in raw}


def _attribute(name: str) -> str:
    made = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_").lower()
    made = made if made[:1].isalpha() else f"c_{made}".rstrip("_")
    return f"{made}_" if made in _TAKEN or keyword.iskeyword(made) else made


def _free(name: str, taken: Container[str], joint: str, numbers: dict[str, int]) -> str:
    """The name, or with the first number that makes it a free one.

    Parameters:
        numbers: the next number to try for each name; none is tried twice.
    """
    if name not in taken and not keyword.iskeyword(name):
        return name
    number = numbers.get(name, 2)
    while (made := f"{name}{joint}{number}") in taken:
        number += 1
    numbers[name] = number + 1
    return made
