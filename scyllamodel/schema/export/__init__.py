"""Writes a schema for other readers: Python models, snapshots, diagrams, grants."""
