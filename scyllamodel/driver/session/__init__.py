"""One session of the driver: connected, borrowed, forked, closed.

Modules:
    connect: connects a driver session from settings, or fails with one error that says what to do.
    connect_errors: explains why no connection was made, in a sentence for each host.
    connection: one driver session, owned or borrowed, used without side effects on the application.
    deadlines: one timer of the driver for all requests with the same timeout.
    decoding: protocol handlers that decode answers without an error in the driver's reader thread.
    direct_connection: a connection whose messages are sent by the thread that has them, and whose reads are large.
    fast_path: sends executions of prepared statements, where nothing of the application needs more.
    fast_path_check: finds out whether the installed driver has what the fast path uses.
    fast_request: a request whose success costs less, and which is the driver's own in every other case.
    fork_safety: detects that a connection was opened by the parent of this process.
    held_messages: messages that one thread sends in quick succession, held back so that they go out together.
    load_balancing: a load balancing policy that keeps the common coordinator and its successor connected.
    query_plan: restricts the query plan of a request to hosts that can be used without waiting.
    result_metadata: decodes rows with the column descriptions of an earlier answer.
    segments: reads and writes the segments of protocol version 5 faster than the driver, and without two faults of it.
    shared_cells: decodes equal maps of system tables once.
    tls: TLS: the context of the settings, and the names that certificates are checked against.
    uuid_cells: decodes cells of type uuid and timeuuid in a third of the time.
"""
