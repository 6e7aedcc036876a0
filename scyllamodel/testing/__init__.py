"""Tools for tests of applications: the pytest fixtures of `scyllamodel.testing.plugin`, and a fault proxy."""
