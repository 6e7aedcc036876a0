"""Logs and traces of a run contain its steps and its end, and no private data."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scyllamodel.errors import StepFailed
from scyllamodel.release.engine import telemetry
from scyllamodel.release.engine.raw_steps import RawStep, plan_step
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.schema.apply import Event, StepResult
from scyllamodel.schema.plan import Plan

STEP = plan_step(RawStep("INSERT INTO shop.t (id, secret) VALUES (1, 'hunter2')", name="a row"))
UNNAMED = plan_step(RawStep("INSERT INTO shop.t (id, secret) VALUES (1, 'hunter2')"))
PLAN = Plan("shop", "cassandra 5.0.6", "sha256:0", "sha256:1", steps=(STEP,))
DONE = MigrationResult("applied", PLAN)


@pytest.fixture
def spans(monkeypatch):
    """The finished spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    return exporter


def a_run(on_event=None, step=STEP):
    """The events of a run with one step."""
    with telemetry.observe_run("migrate", "default", "shop", on_event) as output:
        output(Event("plan_ready", PLAN))
        output(Event("step_started", PLAN, step))
        output(Event("step_done", PLAN, step, StepResult(1, "applied", 1, 3)))
        output(Event("finished", PLAN, result=DONE))


def test_a_run_is_a_span_with_one_for_each_step(spans):
    """The span of the step is inside the run's span, with its change and outcome."""
    a_run()
    step, run = spans.get_finished_spans()

    assert ("scyllamodel.step", "scyllamodel.migrate") == (step.name, run.name)
    assert step.parent.span_id == run.context.span_id
    assert {"scyllamodel.op": "run", "scyllamodel.object": "a row", "scyllamodel.state": "applied"} == dict(
        step.attributes
    )


def test_a_run_that_fails_says_so_on_its_span(spans):
    """The error is recorded on the span, and the open step ends with the run."""

    def fails(events):
        events(Event("step_started", PLAN, STEP))
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError), telemetry.observe_run("migrate", "default", "shop", None) as output:
        fails(output)

    assert [trace.StatusCode.UNSET, trace.StatusCode.ERROR] == [
        span.status.status_code for span in spans.get_finished_spans()
    ]


def test_without_the_extra_events_go_on_to_the_listener(monkeypatch):
    """Without OpenTelemetry, every event reaches the listener in order and no span is created."""
    monkeypatch.setattr(telemetry, "_tracer", None)
    events = []
    a_run(events.append)

    assert ["plan_ready", "step_started", "step_done", "finished"] == [event.kind for event in events]


def test_spans_contain_no_statement_and_no_value(spans, caplog):
    """Logs and spans do not quote a hand-written statement, which may contain a secret."""
    with caplog.at_level(logging.DEBUG, "scyllamodel"):
        a_run()
        a_run(step=UNNAMED)
    text = caplog.text + "".join(span.to_json() for span in spans.get_finished_spans())

    assert "a row" in text
    assert "a hand-written step" in text
    assert "hunter2" not in text
    assert "shop.t" not in text


@pytest.mark.parametrize("step", [STEP, UNNAMED], ids=["named", "unnamed"])
def test_the_error_of_a_hand_written_step_is_no_text_on_a_span(spans, step):
    """The span of a hand-written step has only the class of the error, whose message quotes the statement."""

    def run(error):
        with telemetry.observe_run("migrate", "default", "shop", None) as events:
            events(Event("step_started", PLAN, step))
            raise error from ValueError("the server said hunter2")

    def fails(error):
        with pytest.raises(StepFailed):
            run(error)

    fails(StepFailed(f"failed: {step.cql}", step=step, applied=0, result=None))
    fails(StepFailed("nothing of a statement", step=None, applied=0, result=None))
    output = "".join(span.to_json() for span in spans.get_finished_spans())

    assert "hunter2" not in output
    assert "StepFailed" in output
    assert "nothing of a statement" in output
