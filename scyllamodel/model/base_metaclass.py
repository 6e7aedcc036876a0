"""A metaclass that is compatible with those of ``abc.ABC`` and ``Protocol``, so that such mixins can be bases.

Abstract methods are enforced. Instance and subclass checks, equality and hash are those of `type`: models have no
virtual subclasses, and checks are as fast as those of any class.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import TYPE_CHECKING

from typing_extensions import Protocol

if TYPE_CHECKING:
    _AbstractMeta = ABCMeta
else:
    _AbstractMeta = type(Protocol)


class BaseMeta(_AbstractMeta):
    """The base of the metaclasses of models, views and user types."""

    if not TYPE_CHECKING:
        __instancecheck__ = type.__instancecheck__
        __subclasscheck__ = type.__subclasscheck__
        __eq__ = type.__eq__
        __hash__ = type.__hash__
