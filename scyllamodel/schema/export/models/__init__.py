"""Writes model classes; the one writer of Python source."""
