"""The tour: an online shop on a real server, from its classes to a refused change, with every claim verified.

*In*: a version of Cassandra, and a callback that prints. *Out*: lines; an error if a claim does not hold. The server,
its data and the project folder are deleted afterwards.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from importlib import import_module

from scyllamodel import Model, Repo
from scyllamodel.demo.output import TourOutput, expect
from scyllamodel.demo.own_server import create_demo_keyspace, temporary_repo
from scyllamodel.demo.project import HALF_STARS, MODELS, POINTS, Project
from scyllamodel.demo.trade import QueryLog, trade
from scyllamodel.errors import ImpossibleChange
from scyllamodel.local import LocalCluster
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.models import find_resources
from scyllamodel.release.plan_check import plan
from scyllamodel.schema.apply import OnEvent


def tour(
    say: Callable[[str], None],
    *,
    version: str = "5.0",
    keep: bool = False,
    url: str | None = None,
    on_event: OnEvent | None = None,
) -> None:
    """Run the tour on a server that is started for it, or on an existing one.

    Parameters:
        say: prints a line.
        version: version of Cassandra, such as ``"5.0"``.
        keep: keep the server running until Ctrl-C, to try the commands that are shown at the end.
        url: URL of a running server, on which a keyspace is created and dropped.
        on_event: receives the events of migrations.

    Raises:
        TourFailed: a claim does not hold.
        LocalServerError: the server could not be downloaded or started.
        ConfigurationError, ConnectionFailed: the URL is not valid, or the server cannot be connected.
    """
    output = TourOutput(say)
    if url is None:
        _run_on_local_server(output, version, on_event, keep=keep)
        return
    output.start_step("Your own server.")
    query_log = QueryLog()
    with Project() as project, temporary_repo(url, MODELS, query_log) as repo:
        output.text(f"{ClusterView.connect(repo).server} listens on {repo.settings.nodes[0]}.")
        _run_steps(output, repo, project, on_event, query_log)
    output.write("\nThat was the tour. Its keyspace is dropped, and nothing else on the server was changed.")


def _run_on_local_server(output: TourOutput, version: str, on_event: OnEvent | None, *, keep: bool) -> None:
    output.start_step(
        "A real Cassandra, downloaded once and started on this machine.",
        f'cluster = LocalCluster(version="{version}")',
        "cluster.start()",
    )
    with Project() as project, LocalCluster(version=version) as cluster:
        output.text(f"Cassandra {cluster.version} listens on {cluster.contact_points[0]}.")
        query_log = QueryLog()
        with cluster.repo("shop", models=[MODELS], on_query=query_log) as repo:
            _run_steps(output, repo, project, on_event, query_log)
        _end(output, cluster, project, keep=keep)


def _run_steps(output: TourOutput, repo: Repo, project: Project, on_event: OnEvent | None, query_log: QueryLog) -> None:
    _discover(output, repo)
    _keyspace(output, repo)
    _first_sync(output, repo, on_event)
    _second_sync(output, repo)
    trade(output, repo, import_module(MODELS), query_log)
    _another_column(output, repo, project, on_event)
    _refusal(output, repo, project)


def _discover(output: TourOutput, repo: Repo) -> None:
    output.start_step(
        "The models of an online shop, found in their package.",
        f'repo = Repo(nodes=["{repo.settings.nodes[0]}"], keyspace="{repo.keyspace}", models=["{MODELS}"])',
        "find_resources([repo])",
    )
    models = find_resources([repo])
    output.lines(f"{model.__name__:<16} {(model.__doc__ or '').splitlines()[0]}" for model in models)
    expect(len(models) >= 6, "there are at least six models")


def _keyspace(output: TourOutput, repo: Repo) -> None:
    output.start_step("The keyspace. It is created only on request.", "create_keyspace(repo)")
    keyspace = create_demo_keyspace(repo)
    output.text(f"{keyspace.keyspace}: {dict(keyspace.replication)}")
    expect(keyspace.created, "the keyspace is new")


def _first_sync(output: TourOutput, repo: Repo, on_event: OnEvent | None) -> None:
    output.start_step("What is missing on the server? A plan only reads.", "print(plan(repo).render())")
    shown_plan = plan(repo)
    output.text(shown_plan.render())
    expect(not shown_plan.is_empty, "an empty keyspace lacks every table")

    output.start_step("Bring the server up to date: these statements run, each once.", "Model.sync_all(repo)")
    result = Model.sync_all(repo, on_event=on_event)
    output.text(f"{result.status}: {len(result.steps)} steps in {result.duration_ms} ms")
    expect(result.status == "applied", "the plan is applied")
    expect(list(result.plan.cql) == list(shown_plan.cql), "what was shown is what ran")


def _second_sync(output: TourOutput, repo: Repo) -> None:
    output.start_step(
        "Again, as every start of every replica would. Now there is nothing to do.", "Model.sync_all(repo)"
    )
    result = Model.sync_all(repo)
    output.text(result.status)
    expect(result.status == "in_sync", "the second sync is empty")


def _another_column(output: TourOutput, repo: Repo, project: Project, on_event: OnEvent | None) -> None:
    output.start_step("A release later, customers collect points: one more line in the models.")
    project.edit(POINTS)
    output.lines(POINTS.diff_lines())
    output.lines([">>> Model.sync_all(repo)"])
    result = Model.sync_all(repo, on_event=on_event)
    output.lines(result.plan.cql)
    output.text(result.status)
    expect(len(result.plan.cql) == 1 and result.plan.cql[0].startswith("ALTER TABLE"), "one ALTER TABLE is enough")


def _refusal(output: TourOutput, repo: Repo, project: Project) -> None:
    output.start_step(
        "Next, half stars. CQL cannot change the type of a column, so nothing runs, and a recipe shows the solution."
    )
    project.edit(HALF_STARS)
    output.lines(HALF_STARS.diff_lines())
    output.lines([">>> Model.sync_all(repo)"])
    refusal = None
    try:
        Model.sync_all(repo)
    except ImpossibleChange as error:
        refusal = error
        output.text(f"{type(error).__name__}: {error}")
    expect(refusal is not None, "a changed type is refused")
    project.undo(HALF_STARS)
    expect(plan(repo).is_empty, "a refused change leaves the server as it was")


def _end(output: TourOutput, cluster: LocalCluster, project: Project, *, keep: bool) -> None:
    if not keep:
        output.write(
            "\nThat was the tour. The server and its data are deleted; scyllamodel local start starts one to keep."
        )
        return
    output.start_step("The server runs until you press Ctrl-C. In another terminal:")
    url = f"scylla://{cluster.contact_points[0]}/shop?models={MODELS}"
    output.lines(
        [f"$ cd {project.folder}", f'$ scyllamodel plan --url "{url}"', f'$ scyllamodel inspect --url "{url}"']
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        output.write("\nThe server and its data are deleted.")
