"""Checks of a class body: names, defaults, keys, user types.

Modules:
    defaults: checks of the defaults of columns and fields, before the class is created.
    names: names in a model definition: derived names, and checks of given names.
    problems: problems of a class body: their codes, and the list that collects them.
    table: checks of the columns of a table against the rules of servers.
    user_types: user types inside annotations, and CQL types inside user types.
"""
