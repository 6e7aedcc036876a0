"""Logs runs and traces them with OpenTelemetry.

*In*: events of a run and another listener. *Out*: log lines of ``scyllamodel`` and, with the extra ``otel``, a span for
the run and one for each step. Raw statements, secrets and row values are never included.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Any

from scyllamodel.errors import ScyllaModelError
from scyllamodel.schema.apply import Event, OnEvent, notify
from scyllamodel.schema.plan import Step

try:
    from opentelemetry import trace
except ImportError:  # without the extra `otel` there are no spans
    _trace: Any = None
else:
    _trace = trace
_tracer: Any = None if _trace is None else _trace.get_tracer("scyllamodel")

_log = logging.getLogger("scyllamodel")


@contextlib.contextmanager
def observe_run(kind: str, repo: str, keyspace: str, on_event: OnEvent | None) -> Generator[OnEvent]:
    """Yield a listener that logs and traces events and passes them on.

    Parameters:
        kind: of the run, such as ``migrate``.
    """
    with _span(f"scyllamodel.{kind}", {"scyllamodel.repo": repo, "db.namespace": keyspace}):
        spans = _StepSpans()

        def listener(event: Event) -> None:
            _log_event(event, keyspace)
            spans.on_event(event)
            notify(on_event, event)

        try:
            yield listener
        finally:
            spans.end()


def _span(name: str, attributes: dict[str, Any]) -> contextlib.AbstractContextManager[Any]:
    if _tracer is None:
        return contextlib.nullcontext()
    return _span_with_error(name, attributes)


@contextlib.contextmanager
def _span_with_error(name: str, attributes: dict[str, Any]) -> Generator[None]:
    """Run the block in a span that records an error without its cause, which OpenTelemetry's own recording includes."""
    options = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, attributes=attributes, **options) as span:
        try:
            yield
        except BaseException as error:
            span.add_event("exception", _error_attributes(error))
            span.set_status(_trace.StatusCode.ERROR, type(error).__name__)
            raise


def _error_attributes(error: BaseException) -> dict[str, str]:
    """Return span attributes of an error; without a message where that may quote a raw statement."""
    step = getattr(error, "step", None)
    is_raw = isinstance(step, Step) and step.is_raw
    message = {} if is_raw or not isinstance(error, ScyllaModelError) else {"exception.message": str(error)}
    return {"exception.type": type(error).__qualname__, **message}


class _StepSpans:
    """The span of the current step."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def on_event(self, event: Event) -> None:
        if event.kind == "step_started" and event.step is not None:
            attributes = {"scyllamodel.op": event.step.op, "scyllamodel.object": event.step.object}
            self._stack.enter_context(_span("scyllamodel.step", attributes))
        elif event.kind == "step_done":
            if _tracer is not None:
                _trace.get_current_span().set_attribute("scyllamodel.state", str(getattr(event.result, "state", "")))
            self.end()

    def end(self) -> None:
        self._stack.close()


def _log_event(event: Event, keyspace: str) -> None:
    if event.kind == "step_done" and event.step is not None:
        _log.info("%s: %s %s", keyspace, event.step.summary, getattr(event.result, "state", ""))
    elif event.kind == "lock_waiting":
        _log.debug("%s: waiting for the lock", keyspace)
    elif event.kind == "build_progress":
        _log.info("%s: not built yet: %s", keyspace, ", ".join(event.result["unbuilt"]))
    elif event.kind == "finished":
        _log.info("%s: %s in %s ms", keyspace, event.result.status, event.result.duration_ms)
