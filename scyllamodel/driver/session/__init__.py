"""One session of the driver: connected, borrowed, forked, closed.

Modules:
    connect: connects a driver session from settings, or fails with one error that says what to do.
    connect_errors: explains why no connection was made, in a sentence for each host.
    connection: one driver session, owned or borrowed, used without side effects on the application.
    decoding: protocol handlers that decode answers without an error in the driver's reader thread.
    fork_safety: detects that a connection was opened by the parent of this process.
    load_balancing: a load balancing policy that keeps the common coordinator and its successor connected.
    query_plan: restricts the query plan of a request to hosts that can be used without waiting.
    result_metadata: decodes rows with the column descriptions of an earlier answer.
    segments: reads and writes the segments of protocol version 5 faster than the driver, and without its fault.
    tls: TLS: the context of the settings, and the names that certificates are checked against.
"""
