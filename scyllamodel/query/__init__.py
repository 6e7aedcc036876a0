"""Statements and builders as plain values, without a connection to a server."""
