"""Fingerprint of the models of a repo, cheap enough for every start.

*In*: classes from `find_resources`. *Out*: ``sha256:…``, equal on every machine and Python version, in any order.
Digests are cached with their classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from weakref import WeakKeyDictionary

from scyllamodel.schema.facts.fingerprint import digest, fingerprint

_digests: Final[WeakKeyDictionary[type[Any], tuple[Any, str]]] = WeakKeyDictionary()


def models_fingerprint(models: Iterable[type[Any]], keyspace: str) -> str:
    """Return the digest of these models, views and user types, and of the user types they use.

    Parameters:
        keyspace: of classes without one.
    """
    digests: set[tuple[str, str]] = set()
    for model in models:
        name = model.__facts__.keyspace or keyspace
        digests.add((name, _digest(model)))
        digests.update((name, _digest(user_type)) for user_type in model.__user_types__)
    return digest(sorted(digests))


def _digest(model: type[Any]) -> str:
    """Return the digest of one class, cached until it has other facts."""
    facts = model.__facts__
    cached = _digests.get(model)
    if cached is None or cached[0] is not facts:
        cached = _digests[model] = (facts, fingerprint(facts))
    return cached[1]
