"""Any schema that a server can store can be declared with classes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from scyllamodel.model.desired_schema import desired_facts
from support.model_classes import declare
from support.strategies import keyspaces


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(keyspaces())
def test_classes_made_of_facts_declare_these_facts(keyspace):
    """Classes that are generated from facts declare the same types, keys, orders, indexes, options and views."""
    desired_fact = desired_facts(declare("unit", keyspace), "k")["k"]

    assert keyspace.tables == desired_fact.tables
    assert keyspace.views == desired_fact.views
    assert set(desired_fact.types) <= set(keyspace.types)
