"""One replica of an application that starts: it syncs its models and says, line by line, how far it is.

``replica.py NODE KEYSPACE LEASE COPIES FIRST LAST``: the models are tables ``t<FIRST>`` to ``t<LAST>``, each with a
user type of its own and every third one with an index. It prints ``step_started N``, ``step_done N`` …, and at the end
``finished STATUS`` or the class of the error; a parent kills or stops it when it likes.
"""

from __future__ import annotations

import functools
import sys
import types

from scyllamodel import Column, Model, Repo, ScyllaModelError, UserType, column, partition_key
from scyllamodel import types as cql
from scyllamodel.driver.connect import stop_loop
from scyllamodel.release import guard
from scyllamodel.release.lock import Wanted


def say(*words):
    """One line, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def models(first, last):
    """The classes; whoever wants them keeps them."""
    made = []
    for number in range(first, last + 1):
        inside = types.new_class(
            f"P{number}",
            (UserType,),
            {"name": f"p{number}"},
            lambda body: body.update({"__annotations__": {"x": cql.Int}, "__module__": __name__}),
        )

        def fill(body, inside=inside, number=number):
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

        made.append(types.new_class(f"T{number}", (Model,), {"table": f"t{number}", "repo": "soak"}, fill))
    return made


def main(node, keyspace, lease, copies, *numbers):
    """Sync, and say what happens."""
    guard.Wanted = functools.partial(Wanted, lease=float(lease))
    kept = models(*map(int, numbers))

    def told(event):
        say(event.kind, "" if event.step is None else event.step.seq)

    about = {"keyspace": keyspace, "create_keyspace": True}
    if copies != "1":
        about["replication"] = {"class": "NetworkTopologyStrategy", "datacenter1": copies}
    with Repo("soak", nodes=[node], **about) as repo:
        say("ready", len(kept))
        try:
            say("ended", Model.sync_all(repo, on_event=told, agreement_timeout=20.0, step_timeout=5.0).status)
        except ScyllaModelError as error:
            say("failed", type(error).__name__)


if __name__ == "__main__":
    main(*sys.argv[1:])
    stop_loop()  # or the driver waits up to five seconds at the end, which are no part of any recovery
