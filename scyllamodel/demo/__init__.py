"""The tour of ``scyllamodel demo``: an online shop on a real server, step by step.

Modules:
    output: formats the tour: numbered steps, Python code, output, and verified claims.
    own_server: a keyspace for the tour on the user's server, which is dropped afterwards.
    project: an importable package of models that the tour edits and reloads.
    shop: the tables of an online shop, as Python classes.
    tour: the tour: an online shop on a real server, from its classes to a refused change, with every claim verified.
    trade: the part of the tour on data: orders are placed and paged, and two buyers compete for the last piece.
"""
