"""Fingerprint of the models of a repo, cheap enough for every start.

*In*: classes from `find_resources`. *Out*: ``sha256:…``, equal on every machine and Python version, in any order.
Digests are cached with their classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from scyllamodel.model.class_data import ClassData
from scyllamodel.schema.facts.fingerprint import digest, fingerprint


def _facts_digest(cls: type) -> str:
    facts: Any = getattr(cls, "__facts__")  # noqa: B009 - a bare type has none
    return fingerprint(facts)


_digest: Final = ClassData("__digest__", _facts_digest)


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
