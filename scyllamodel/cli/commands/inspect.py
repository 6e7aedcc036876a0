"""The commands create-keyspace, inspect and lint."""

from __future__ import annotations

import argparse
from functools import partial

from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import DONE, PARTIAL, REFUSED
from scyllamodel.cli.formatting import keyspace_text, lint_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.discovery import import_packages
from scyllamodel.driver.repo import Repo
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.model.registry import registry
from scyllamodel.release.create_keyspace import create_keyspace
from scyllamodel.release.engine.cluster_view import ClusterView, declared_keyspace
from scyllamodel.release.engine.models import find_resources, find_types
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.export.mermaid import mermaid
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.unsupported import missing_from_script
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.rules.evaluation import lint
from scyllamodel.schema.server.profile import ServerProfile


def run_create_keyspace(settings: argparse.Namespace, console: Console) -> int:
    """Run the command create-keyspace."""
    return run_each(select_repos(settings), _create_keyspace_one, console, failed=PARTIAL)


def _create_keyspace_one(repo: Repo) -> CommandResult:
    result = create_keyspace(repo)
    return CommandResult(result.to_dict(), keyspace_text(result), is_output=False)


def run_inspect(settings: argparse.Namespace, console: Console) -> int:
    """Run the command inspect."""
    console.json = settings.json or settings.format == "json"
    return run_each(select_repos(settings), partial(_inspect_one, settings, console), console)


def _inspect_one(settings: argparse.Namespace, console: Console, repo: Repo) -> CommandResult:
    cluster = ClusterView.connect(repo)
    facts = cluster.introspect_existing(repo.keyspace)
    if console.json:
        return CommandResult(facts_document(facts))
    files = [_formatted(settings.format, keyspace, cluster.server, repo) for keyspace in facts]
    return CommandResult({}, "\n\n".join(files), is_script=True)


def _formatted(output_format: str, facts: KeyspaceFacts, server: ServerProfile, repo: Repo) -> str:
    if output_format == "models":
        return module_source(facts, server, repo=repo.name).rstrip("\n")
    if output_format == "mermaid":
        return mermaid(facts).rstrip("\n")
    missing = [f"-- {comment}" for comment in missing_from_script(facts)]
    return "\n\n".join([*(f"{cql};" for cql in keyspace_script(facts, server)), *missing])


def run_lint(settings: argparse.Namespace, console: Console) -> int:
    """Run the command lint."""
    packages_alone = settings.models and not (settings.repo or settings.url)
    return run_each(_unconnected_repos(settings) if packages_alone else select_repos(settings), _lint_one, console)


def _unconnected_repos(settings: argparse.Namespace) -> list[Repo]:
    """Return a repo for each repo name that the models of these packages use; none of them connects."""
    import_packages(settings.models)
    names = sorted({model.__repo__ for model in registry}) or ["default"]
    (keyspace,) = settings.keyspace[:1] or ["keyspace"]
    return [Repo(name, nodes=["localhost"], keyspace=keyspace, models=settings.models) for name in names]


def _lint_one(repo: Repo) -> CommandResult:
    models = find_resources([repo])
    diagnostics = lint(desired_facts(models, repo.keyspace, declared_keyspace(repo), find_types(repo)))
    names = [f"{model.__module__}.{model.__qualname__}" for model in models]
    document = {
        "format": 1,
        "kind": "lint",
        "resources": names,
        "diagnostics": [item.to_dict() for item in diagnostics],
    }
    refused = any(item.severity == "error" for item in diagnostics)
    return CommandResult(document, lint_text(names, diagnostics), REFUSED if refused else DONE)
