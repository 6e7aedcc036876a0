"""Writes a schema for other readers: Python models, snapshots, diagrams, grants.

Modules:
    facts_json: facts as plain JSON values, for scripts that want to know what a keyspace holds.
    grants: what a role must be allowed to do, command by command, as the GRANT statements that allow it.
    literals: pieces of text in another language, for files and commands that are generated: Python, a shell, Mermaid.
    mermaid: facts -> an entity-relationship diagram in Mermaid, which GitHub, GitLab and most wikis draw.
    models: writes model classes; the one writer of Python source.
    snapshot: what models declare, as a file that is kept beside them: ``schema.lock.json``.
    unsupported: what a form of output leaves out, and why, in the same words everywhere.
"""
