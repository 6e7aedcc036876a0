"""Exports of a schema: Python models, snapshots, diagrams, grants.

Modules:
    facts_json: facts as plain JSON values, for scripts.
    grants: the permissions that each command needs, as GRANT statements.
    literals: literals for generated Python, shell commands and Mermaid.
    mermaid: an entity-relationship diagram in Mermaid, which GitHub, GitLab and most wikis render.
    models: Python source of model classes, written from facts.
    snapshot: the declared schema as a file that is kept beside the models: ``schema.lock.json``.
    unsupported: objects that a form of output cannot express, with the reason.
"""
