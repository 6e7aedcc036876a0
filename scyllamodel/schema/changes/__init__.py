"""Everything that one kind of change can do: its CQL, description, effects, postcondition, JSON and undo.

Modules:
    as_json: a change as plain JSON values, and back, so that what a statement did can be proved.
    cql: changes -> the one statement that each of them is, and the one that undoes it.
    effects: facts x a change -> the facts after it, as a server that takes the statement would have them.
    keyspace_state: a keyspace on which changes run one after another, and what each of them has to do with.
    kinds: the steps between two states of a schema: frozen values, verb first, each knowing its inverse.
    postconditions: check in the schema whether a change is applied.
    undo: compute the facts before a change, for rollback.
"""
