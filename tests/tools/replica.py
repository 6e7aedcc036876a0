"""One replica of an application that starts: it syncs its models and prints its progress line by line.

``replica.py NODE KEYSPACE LEASE COPIES FIRST LAST [VERB]``: the models are tables ``t<FIRST>`` to ``t<LAST>``, each
with a user type of its own and every third one with an index. It prints ``step_started N``, ``step_done N`` …, and at
the end ``ended STATUS`` or the class of the error; a parent may kill or pause it at any time. With a VERB of `VERBS` it
runs that instead of a sync, with timeouts long enough for a node that is paused in between.
"""

from __future__ import annotations

import functools
import sys
import types

from scyllamodel import (
    Column,
    Model,
    Repo,
    ScyllaModelError,
    UserType,
    column,
    contract,
    partition_key,
    rollback,
    wait,
)
from scyllamodel import types as cql
from scyllamodel.driver.session.connect import stop_event_loop
from scyllamodel.local.config import DATA_CENTER
from scyllamodel.release.engine import locked_run
from scyllamodel.release.lock import LockRequest


def say(*fields):
    """Print one line and flush it."""
    sys.stdout.write(" ".join(map(str, fields)) + "\n")
    sys.stdout.flush()


def models(first, last):
    """The model classes; the caller keeps them alive."""
    classes = []
    for number in range(first, last + 1):
        field_type = types.new_class(
            f"P{number}",
            (UserType,),
            {"name": f"p{number}"},
            lambda body: body.update({"__annotations__": {"x": cql.Int}, "__module__": __name__}),
        )

        def fill(body, inside=field_type, number=number):
            body.update({
                "__module__": __name__,
                "__annotations__": {
                    "id": Column[cql.Int],
                    "at": Column[cql.Frozen[inside] | None],
                    "note": Column[str | None],
                },
                "id": partition_key(),
                "at": column(default=None),
                "note": column(default=None, index=number % 3 == 0),
            })  # fmt: skip

        classes.append(types.new_class(f"T{number}", (Model,), {"table": f"t{number}", "repo": "soak"}, fill))
    return classes


def _waited(repo, **_):
    return "ended" if wait(repo, timeout=150).met else "failed"


VERBS = {
    "sync": lambda repo, **keywords: Model.sync_all(repo, **keywords).status,
    "rollback": lambda repo, **keywords: rollback(repo, 0, allow=ALLOWED, **keywords).status,
    "contract": lambda repo, **keywords: contract(repo, allow=ALLOWED, **keywords).status,
    "wait": _waited,
}
ALLOWED = ("DS102", "DS103", "DS104", "DS106")
HASTY = {"agreement_timeout": 20.0, "step_timeout": 5.0}
PATIENT = {"agreement_timeout": 150.0, "step_timeout": 120.0}


def main(node, keyspace, lease, copies, first, last, verb=None):  # noqa: PLR0917 - the words of a command line
    """Sync, or run the verb, and print the events."""
    locked_run.LockRequest = functools.partial(LockRequest, lease_seconds=float(lease))
    model_classes = models(int(first), int(last))

    def on_event(event):
        say(event.kind, "" if event.step is None else event.step.seq)

    target = {"keyspace": keyspace, "create_keyspace": True}
    if copies != "1":
        target["replication"] = {"class": "NetworkTopologyStrategy", DATA_CENTER: copies}
    with Repo("soak", nodes=[node], **target) as repo:
        say("ready", len(model_classes))
        try:
            say("ended", VERBS[verb or "sync"](repo, on_event=on_event, **(HASTY if verb is None else PATIENT)))
        except ScyllaModelError as error:
            say("failed", type(error).__name__)


if __name__ == "__main__":
    main(*sys.argv[1:])
    stop_event_loop()  # or the driver waits up to five seconds at the end, which do not belong to a recovery
