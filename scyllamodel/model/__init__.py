"""Classes that are tables, views and types: from a class body to facts, load and bind."""
