"""For tests of applications: the fixtures of `scyllamodel.testing.plugin`, and a proxy that breaks connections."""
