"""Grants on the change log tables that ScyllaDB creates for CDC."""

from __future__ import annotations

from scyllamodel import Column, Model, Repo, TableOptions, partition_key
from scyllamodel.release.engine.application_role import required_grants


class LoggedOrder(Model, repo="change_log_grants", table="logged", options=TableOptions(cdc={"enabled": True})):
    """A table with a change log."""

    id: Column[int] = partition_key()


class SilentOrder(Model, repo="change_log_grants", table="silent", options=TableOptions(cdc=False)):
    """A table without a change log."""

    id: Column[int] = partition_key()


def test_who_reads_a_change_log_is_granted_it():
    """The grant is on the log table, and its comment says which release requires it."""
    with Repo("change_log_grants", keyspace="shop", nodes=["10.0.0.1"], models=[__name__]) as repo:
        (logs,) = [item for item in required_grants(repo, "reader") if item.commands == ("readers of a change log",)]

    assert ("GRANT SELECT ON TABLE shop.logged_scylla_cdc_log TO reader",) == logs.cql
    assert "SELECT on its table" in logs.why
