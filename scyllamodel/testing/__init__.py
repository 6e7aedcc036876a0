"""For tests of applications: a pytest plugin and a proxy that breaks connections."""
