"""Keeps ScyllaDB and Cassandra schemas in step with attrs model classes."""
