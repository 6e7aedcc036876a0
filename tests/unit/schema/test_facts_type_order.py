"""User types in the order of their dependencies."""

from __future__ import annotations

from hypothesis import given, settings

from scyllamodel.schema.facts.objects import UserType
from scyllamodel.schema.facts.type_order import dependency_order
from scyllamodel.types.cql_types import UserTypeName
from support.strategies import user_type_sets


def test_user_types_in_a_cycle_are_still_written():
    """Types in a cycle, which rules refuse, are written without an endless loop."""
    item = UserType("one", (("f", UserTypeName("two", frozen=True)),))
    two = UserType("two", (("f", UserTypeName("one", frozen=True)),))

    assert (item, two) == dependency_order([two, item])


@settings(max_examples=40, deadline=None)
@given(user_type_sets())
def test_user_types_stand_after_what_they_need(types):
    """A type comes after all types that it contains, at any depth."""
    ordered = [ordered_type.name for ordered_type in dependency_order(types)]

    assert [] == [t.name for t in types for used in t.user_types if ordered.index(used) > ordered.index(t.name)]
