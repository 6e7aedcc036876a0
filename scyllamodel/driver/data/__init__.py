"""Requests for rows: messages, operations, pages, scans, bulk runs, in threads and in event loops.

Modules:
    api_base: the base of a repo and its awaited twin: their settings, and the client that sends their requests.
    async_api: the methods of `AsyncRepo`, each the awaited twin of a method of `Repo`.
    async_runner: runs operations in an event loop, for the methods of `AsyncRepo`.
    asyncio_bridge: delivers responses from the driver's thread to an event loop, with one wake-up for many of them.
    bind_markers: checks the bind markers of raw CQL text against the values given.
    binding: Python values to the bytes of a request, checked.
    bulk: many rows, one request each, with a bounded number of requests in flight.
    bulk_api: `save_many`, `get_many` and `delete_many`: rows and keys as jobs of a bulk run.
    bulk_report: the report and the progress of a bulk run.
    callbacks: callbacks of the application: ``on_query`` and ``on_progress``.
    client: the client of a repo: its connection, and the requests sent through it, both made on first use.
    in_flight: a window of concurrent requests, whose responses are processed by the sending thread.
    instrumentation: reports requests and their duration to a callback, the log and OpenTelemetry.
    loading: loads driver rows into what a statement returns, or raises `LoadError` for a row that cannot be loaded.
    message_binding: binds messages: a message becomes a statement of the driver that can be sent.
    messages: what operations and runners exchange: messages to send, and the responses to them.
    operations: the operations behind the methods of a repo, as generators: messages out, responses in.
    page_secrets: the secrets that sign page tokens: configured ones, or the one in the internal tables.
    page_tokens: page tokens: the opaque text that asks for the next page.
    paging: the operation behind `page`: check the token, load the keys, fetch the rows, make the next token.
    prepared: a cache of prepared statements: from a template to the driver's prepared statement.
    raw: the operations behind `Repo.raw` and `Repo.truncate`: raw CQL text, and statements without a model.
    read_api: the methods of `Repo` that read.
    request_errors: translates the driver's error for a request into one of `scyllamodel.errors`.
    requests: turns a compiled statement into a request of the driver, for the blocking and the awaited repo.
    scan: reads a whole table by token ranges, several of them in parallel.
    single_flight: runs work once that several threads and tasks need at the same time, such as connecting.
    sync_runner: runs operations in a blocking thread, for the methods of `Repo`.
    threaded_source: reads rows and keys from a blocking iterable for an event loop.
    write_api: the methods of `Repo` that write.
"""
