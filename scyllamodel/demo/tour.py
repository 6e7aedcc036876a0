"""The tour: an online shop on a real server, from its classes to its trade and a refused change, each claim tested.

*In*: a version of Cassandra, and somewhere to show lines. *Out*: nothing but those lines; a claim that does not hold
raises. The server, its data and the project folder are gone afterwards.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from importlib import import_module

from scyllamodel import Model, Repo
from scyllamodel.demo.own_server import made_keyspace, repo_on
from scyllamodel.demo.project import HALF_STARS, MODELS, POINTS, Project
from scyllamodel.demo.stage import Stage, expect
from scyllamodel.demo.trade import Sent, trade
from scyllamodel.errors import ImpossibleChange
from scyllamodel.local import LocalCluster
from scyllamodel.release import find_resources, plan
from scyllamodel.release.look import ClusterView
from scyllamodel.schema.apply import OnEvent


def tour(
    say: Callable[[str], None],
    *,
    version: str = "5.0",
    keep: bool = False,
    url: str | None = None,
    on_event: OnEvent | None = None,
) -> None:
    """Show the whole way on a server that is started for it, or on one of the reader's own.

    Parameters:
        say: shows a line.
        version: of Cassandra, such as ``"5.0"``.
        keep: leave the server running until Ctrl-C, to try the commands that are named at the end.
        url: of a server that runs: the tour makes a keyspace there, and drops it.
        on_event: told what happens while a plan is applied.

    Raises:
        TourFailed: something was not as told.
        LocalServerError: the server could not be fetched or started.
        ConfigurationError, ConnectionFailed: the URL cannot be used, or nothing answers there.
    """
    stage = Stage(say)
    if url is None:
        _on_a_local_server(stage, version, on_event, keep=keep)
        return
    stage.act("A server of your own.")
    sent = Sent()
    with Project() as project, repo_on(url, MODELS, sent) as repo:
        stage.text(f"{ClusterView.connect(repo).server} listens on {repo.settings.nodes[0]}.")
        _show(stage, repo, project, on_event, sent)
    stage.say("\nThat was the tour. Its keyspace is gone, and nothing else of the server was touched.")


def _on_a_local_server(stage: Stage, version: str, on_event: OnEvent | None, *, keep: bool) -> None:
    stage.act(
        "A real Cassandra, fetched once and started on this machine.",
        f'cluster = LocalCluster(version="{version}")',
        "cluster.start()",
    )
    with Project() as project, LocalCluster(version=version) as cluster:
        stage.text(f"Cassandra {cluster.version} listens on {cluster.contact_points[0]}.")
        sent = Sent()
        with cluster.repo("shop", models=[MODELS], on_query=sent) as repo:
            _show(stage, repo, project, on_event, sent)
        _end(stage, cluster, project, keep=keep)


def _show(stage: Stage, repo: Repo, project: Project, on_event: OnEvent | None, sent: Sent) -> None:
    _discover(stage, repo)
    _keyspace(stage, repo)
    _first_sync(stage, repo, on_event)
    _second_sync(stage, repo)
    trade(stage, repo, import_module(MODELS), sent)
    _another_column(stage, repo, project, on_event)
    _refusal(stage, repo, project)


def _discover(stage: Stage, repo: Repo) -> None:
    stage.act(
        "The models of an online shop, found in their package.",
        f'repo = Repo(nodes=["{repo.settings.nodes[0]}"], keyspace="{repo.keyspace}", models=["{MODELS}"])',
        "find_resources([repo])",
    )
    found = find_resources([repo])
    stage.lines(f"{model.__name__:<16} {(model.__doc__ or '').splitlines()[0]}" for model in found)
    expect(len(found) >= 6, "there are at least six models")


def _keyspace(stage: Stage, repo: Repo) -> None:
    stage.act("The keyspace. It is made only because we ask for it.", "create_keyspace(repo)")
    made = made_keyspace(repo)
    stage.text(f"{made.keyspace}: {dict(made.replication)}")
    expect(made.created, "the keyspace is new")


def _first_sync(stage: Stage, repo: Repo, on_event: OnEvent | None) -> None:
    stage.act("What is missing on the server? A plan only looks.", "print(plan(repo).render())")
    shown = plan(repo)
    stage.text(shown.render())
    expect(not shown.is_empty, "an empty keyspace lacks every table")

    stage.act("Bring the server up to date: the same statements run, each once.", "Model.sync_all(repo)")
    result = Model.sync_all(repo, on_event=on_event)
    stage.text(f"{result.status}: {len(result.steps)} steps in {result.duration_ms} ms")
    expect(result.status == "applied", "the plan is applied")
    expect(list(result.plan.cql) == list(shown.cql), "what was shown is what ran")


def _second_sync(stage: Stage, repo: Repo) -> None:
    stage.act("Again, as every start of every replica would. Now there is nothing to do.", "Model.sync_all(repo)")
    result = Model.sync_all(repo)
    stage.text(result.status)
    expect(result.status == "in_sync", "the second sync is empty")


def _another_column(stage: Stage, repo: Repo, project: Project, on_event: OnEvent | None) -> None:
    stage.act("A release later, customers collect points: one more line in the models.")
    project.edit(POINTS)
    stage.lines(POINTS.shown())
    stage.lines([">>> Model.sync_all(repo)"])
    result = Model.sync_all(repo, on_event=on_event)
    stage.lines(result.plan.cql)
    stage.text(result.status)
    expect(len(result.plan.cql) == 1 and result.plan.cql[0].startswith("ALTER TABLE"), "one ALTER TABLE is enough")


def _refusal(stage: Stage, repo: Repo, project: Project) -> None:
    stage.act(
        "Half stars, next. CQL cannot change the type of a column, so nothing runs, and a recipe says how to go on."
    )
    project.edit(HALF_STARS)
    stage.lines(HALF_STARS.shown())
    stage.lines([">>> Model.sync_all(repo)"])
    refused = None
    try:
        Model.sync_all(repo)
    except ImpossibleChange as error:
        refused = error
        stage.text(f"{type(error).__name__}: {error}")
    expect(refused is not None, "a changed type is refused")
    project.undo(HALF_STARS)
    expect(plan(repo).is_empty, "a refused change leaves the server as it was")


def _end(stage: Stage, cluster: LocalCluster, project: Project, *, keep: bool) -> None:
    if not keep:
        stage.say(
            "\nThat was the tour. The server and its data are gone; scyllamodel local start gives you one to keep."
        )
        return
    stage.act("The server stays until you press Ctrl-C. In another terminal:")
    url = f"scylla://{cluster.contact_points[0]}/shop?models={MODELS}"
    stage.lines([f"$ cd {project.folder}", f'$ scyllamodel plan --url "{url}"', f'$ scyllamodel inspect --url "{url}"'])
    try:
        signal.pause()
    except KeyboardInterrupt:
        stage.say("\nThe server and its data are gone.")
