"""Python names for database names: valid, unique, and equal in every run.

*In*: raw names, which may contain anything. *Out*: identifiers of ASCII letters, digits and underscores. A generated
class also gives the raw name wherever it differs from the identifier.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

IMPORTED_NAMES: Final[frozenset[str]] = frozenset(
    "Annotated Any Column Index MaterializedView Model TableOptions UserType UUID Decimal "
    "annotations as_is clustering_key column cql date datetime partition_key time".split()
)
"""Names that a generated module may import or define."""

_BUILTINS: Final[frozenset[str]] = frozenset(
    "bool bytes dict float frozenset int list object set str tuple None self".split()
)
_BASE_CLASS_MEMBERS: Final[frozenset[str]] = frozenset({"_abc_impl", "replace", "sync_all", "sync_all_async"})
"""Members of the public base classes; a test compares them."""

_RESERVED: Final = IMPORTED_NAMES | _BUILTINS | _BASE_CLASS_MEMBERS
"""Names that no attribute may hide: those in annotations, and the members of the base classes."""


def class_names(names: Iterable[str]) -> Iterator[str]:
    """Yield a distinct class name for each raw name, in order.

    >>> list(class_names(["order_lines", "OrderLines", "2nd", "model", "none"]))
    ['OrderLines', 'OrderLines2', 'T2nd', 'Model2', 'None2']
    """
    used: set[str] = set(IMPORTED_NAMES)
    numbers: dict[str, int] = {}
    for name in names:
        words = re.split(r"[^A-Za-z0-9]+", name)
        candidate = "".join(word[:1].upper() + word[1:] for word in words)
        candidate = candidate if candidate[:1].isalpha() else f"T{candidate}"
        class_name = _free_name(candidate, used, "", numbers)
        used.add(class_name)
        yield class_name


def attribute_names(names: Iterable[str]) -> dict[str, str]:
    """A distinct attribute name for each raw name of one class.

    >>> attribute_names(["id", "ID", "a b", "1st", "class", "str", "_", "__x"])
    {'id': 'id', 'ID': 'id_2', 'a b': 'a_b', '1st': 'c_1st', 'class': 'class_', 'str': 'str_', '_': 'c', '__x': 'x'}
    """
    raw = list(names)
    attribute_by_name = {name: name for name in raw if _attribute_name(name) == name}
    used = set(attribute_by_name)
    numbers: dict[str, int] = {}
    for name in raw:
        if name not in attribute_by_name:
            attribute_by_name[name] = _free_name(_attribute_name(name), used, "_", numbers)
            used.add(attribute_by_name[name])
    return {name: attribute_by_name[name] for name in raw}


def _attribute_name(name: str) -> str:
    identifier = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_").lower()
    identifier = identifier if identifier[:1].isalpha() else f"c_{identifier}".rstrip("_")
    return f"{identifier}_" if identifier in _RESERVED or keyword.iskeyword(identifier) else identifier


def _free_name(name: str, used: Container[str], separator: str, numbers: dict[str, int]) -> str:
    """The name, or the name with the first number that makes it unique.

    Parameters:
        numbers: the next number to try for each name, so that no number is tried twice.
    """
    if name not in used and not keyword.iskeyword(name):
        return name
    number = numbers.get(name, 2)
    while (candidate := f"{name}{separator}{number}") in used:
        number += 1
    numbers[name] = number + 1
    return candidate
