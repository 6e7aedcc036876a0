"""The kinds of schema changes, with the CQL, description, effects, post-condition, JSON and undo of each.

Modules:
    as_json: changes as JSON, so that another process can verify or undo what a statement did.
    cql: CQL for changes: the one statement for each change, and the one that undoes it.
    describe: describe changes for people: the name of the operation, the object, and a sentence.
    effects: the facts after a change, as a server that accepts the statement would store them.
    keyspace_state: the state of a keyspace while changes are evaluated one after another.
    kinds: the changes between two states of a schema: frozen values, named by a verb, with their inverse.
    postconditions: check in the schema whether a change is applied.
    undo: invert a change, and compute the facts before it, for rollback.
"""
