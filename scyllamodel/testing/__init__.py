"""For tests of applications: pytest fixtures, and a proxy that injects faults.

Modules:
    addresses: replaces the address of a node in its responses by that of the proxy, so that drivers do not bypass it.
    fault_proxy: a TCP proxy for one node that injects faults into CQL connections.
    faults: fault rules and counters that all connections of a proxy share.
    frames: CQL frames of protocols 3 and 4, and the text of requests.
    keyspaces: keyspaces for tests: create, truncate, drop.
    plugin: the pytest plugin: a server for each run, a keyspace for each module, and a fault proxy.
    proxy_connection: one client connection through a fault proxy.
    server: a running server, with the part of the `LocalCluster` interface that tests need.
"""
