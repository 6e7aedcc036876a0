"""One pinned node: introspection, schema agreement, DDL, lightweight transactions.

Modules:
    build_status: indexes and views whose build is not complete, as one node reports it.
    coordinator: the one node that a whole run uses, chosen as every other run would choose.
    ddl_executor: executes the statements of a plan on one node: send, introspect, wait for agreement.
    introspection: reads ``system_schema`` from one node until the result is consistent.
    lwt: lightweight transactions on rows that many processes change, and reads that see them.
    node_health: the state of the nodes of a cluster, as one of them reports it.
    nodes: the nodes of a cluster, and the profile of its server.
    permissions: the permissions of roles, as the server lists them.
    schema_agreement: the wait until all nodes of a cluster have one schema version.
"""
