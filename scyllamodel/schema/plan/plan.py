"""The plan: the statements that would run, the refusals, and notes.

A dry run and an apply use the same plan, so that what is printed is what runs. A plan can be saved, loaded, compared by
its fingerprint, and shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from scyllamodel._json import check_document, read_json
from scyllamodel._version import __version__
from scyllamodel.errors import ConfigurationError, DestructiveChangeRefused, ImpossibleChange, KeyspaceError
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.fingerprint import digest
from scyllamodel.schema.plan.rendering import render, render_html
from scyllamodel.schema.plan.step import Step

if TYPE_CHECKING:
    import os

FORMAT = 1
"""The format of the JSON document, ``schemas/plan.schema.json``."""

Digest: TypeAlias = str | Callable[[], str]
"""A fingerprint, or a function that computes it: most plans are empty, and their fingerprint is never read."""


@attrs.define(eq=False)
class LazyDigest:
    """A digest that is computed on first use; pickled as text."""

    compute: Callable[[], str]
    value: str | None = None

    def __call__(self) -> str:
        """The digest."""
        if self.value is None:
            self.value = self.compute()
        return self.value

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (self(),)


def _digest_text(fingerprint: Digest) -> str:
    return fingerprint if isinstance(fingerprint, str) else fingerprint()


@attrs.frozen
class Plan:
    """The steps from the live schema to the models.

    Attributes:
        keyspace: the raw name of the keyspace, or several joined by ``", "``.
        server: the server for which it was made, such as ``cassandra 5.0.9``.
        bootstrap: steps that run first and are not part of ``cql``: the keyspace, if requested, and the internal
            tables.
        steps: the steps, in order. With refusals nothing runs, and these are the possible ones.
        refusals: diagnostics with severity ``error``, which prevent the run.
        notes: diagnostics that belong to no step.
    """

    keyspace: str
    server: str
    _schema_from: Digest = attrs.field(alias="schema_from", eq=_digest_text, repr=False)
    _schema_to: Digest = attrs.field(alias="schema_to", eq=_digest_text, repr=False)
    bootstrap: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    @property
    def schema_from(self) -> str:
        """Fingerprint of the managed part of the live schema."""
        return _digest_text(self._schema_from)

    @property
    def schema_to(self) -> str:
        """Fingerprint of the declared schema."""
        return _digest_text(self._schema_to)

    @property
    def cql(self) -> list[str]:
        """The statements, without the bootstrap."""
        return [step.cql for step in self.steps]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing refused."""
        return not (self.steps or self.bootstrap or self.refusals)

    @property
    def lints(self) -> tuple[Diagnostic, ...]:
        """The lints of all steps."""
        return tuple(lint for step in (*self.bootstrap, *self.steps) for lint in step.lints)

    @property
    def fingerprint(self) -> str:
        """``sha256:…`` of the steps and refusals: equal for plans that have the same effect on the same schema."""
        return _fingerprint(self.to_dict(with_hash=False))

    def raise_refused(self) -> None:
        """Raise an error if anything is refused; it contains every refusal.

        Raises:
            KeyspaceError: the keyspace does not exist and was not requested, or cannot be created as requested.
            ImpossibleChange: CQL has no statement for a desired change.
            DestructiveChangeRefused: every refused change can be allowed with ``allow=``.
        """
        if not self.refusals:
            return
        count = "one change is" if len(self.refusals) == 1 else f"{len(self.refusals)} changes are"
        listed = "\n".join(str(refusal) for refusal in self.refusals)
        message = f"{self.keyspace}: {count} refused, and nothing ran:\n{listed}"
        if any(
            refusal.object in self.keyspace.split(", ") for refusal in self.refusals if refusal.code.startswith("KS")
        ):
            raise KeyspaceError(message, refusals=self.refusals)
        if all(refusal.allow for refusal in self.refusals):
            raise DestructiveChangeRefused(message, refusals=self.refusals)
        raise ImpossibleChange(message, refusals=self.refusals)

    def render(self, width: int = 100, *, internal_tables: str = "") -> str:
        """The plan as text: ``+`` added, ``~`` changed, ``-`` dropped, ``!`` refused, ``.`` noted.

        Parameters:
            width: the column at which prose is wrapped; statements are never wrapped.
            internal_tables: a line shown instead of the steps that create internal tables; empty to show them.
        """
        return render(
            self._headline,
            self.bootstrap,
            self.steps,
            refusals=self.refusals,
            notes=self.notes,
            width=width,
            internal_tables=internal_tables,
        )

    def _repr_html_(self) -> str:
        return render_html(self._headline, (*self.bootstrap, *self.steps), self.refusals, self.notes)

    @property
    def _headline(self) -> str:
        if self.is_empty:
            return f"{self.keyspace} on {self.server}: nothing to do, the schema matches the models."
        counts = self.counts()
        summary = f"{counts['add']} to add, {counts['change']} to change, {counts['destroy']} to destroy"
        refused = f", {counts['refused']} refused: nothing runs" if counts["refused"] else ""
        return f"{self.keyspace} on {self.server}: {summary}{refused}."

    def to_dict(self, *, with_hash: bool = True) -> dict[str, Any]:
        """The plan as plain JSON values, by ``schemas/plan.schema.json``.

        Parameters:
            with_hash: whether to give the fingerprint under ``hash``.
        """
        document: dict[str, Any] = {
            "format": FORMAT,
            "kind": "plan",
            "tool": f"scyllamodel {__version__}",
            "keyspace": self.keyspace,
            "server": self.server,
            "from": self.schema_from,
            "to": self.schema_to,
            "empty": self.is_empty,
            "summary": self.counts(),
            "bootstrap": [step.to_dict() for step in self.bootstrap],
            "steps": [step.to_dict() for step in self.steps],
            "refusals": [refusal.to_dict() for refusal in self.refusals],
            "notes": [note.to_dict() for note in self.notes],
        }
        return {**document, "hash": _fingerprint(document)} if with_hash else document

    def counts(self) -> dict[str, int]:
        """How many steps add, change and destroy, and how many changes are refused."""
        marks = [step.mark for step in (*self.bootstrap, *self.steps)]
        return {
            "add": marks.count("+"),
            "change": marks.count("~"),
            "destroy": marks.count("-"),
            "refused": len(self.refusals),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file, as JSON.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False)
        try:
            Path(path).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path!s} cannot be written: {error.strerror}", path=str(path)) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Load a plan from a file; its steps have no changes.

        Raises:
            ConfigurationError: the file cannot be read, is not a plan, has another format, or was altered.
        """
        try:
            document: Any = read_json(Path(path).read_text(encoding="utf-8"))
            return cls.from_dict(document)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path!s}: {error}", path=str(path)) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"{path!s} is not a plan: {error}. Write one with plan(repo).save(FILE)"
            raise ConfigurationError(message, path=str(path)) from error

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Plan:
        """Load a plan from the values of `to_dict`; its steps have no changes.

        Raises:
            ConfigurationError: the plan has another format, or was altered.
        """
        if document.get("kind") != "plan" or document.get("format") != FORMAT:
            raise ConfigurationError(f"not a format-{FORMAT} plan; create it again with this version")
        try:
            check_document(document, "plan")
        except ValueError as error:
            raise ConfigurationError(f"not a plan: {error}; create it again") from error
        if document["hash"] != _fingerprint(document):
            raise ConfigurationError("the plan was altered after it was saved; create it again")
        return cls(
            keyspace=document["keyspace"],
            server=document["server"],
            schema_from=document["from"],
            schema_to=document["to"],
            bootstrap=tuple(Step.from_dict(step) for step in document["bootstrap"]),
            steps=tuple(Step.from_dict(step) for step in document["steps"]),
            refusals=tuple(Diagnostic(**refusal) for refusal in document["refusals"]),
            notes=tuple(Diagnostic(**note) for note in document["notes"]),
        )


def _fingerprint(document: Mapping[str, Any]) -> str:
    """The digest of everything with an effect; it does not depend on texts, tool and server version.

    Internal tables are omitted: another run may create them between planning and applying.
    """
    keyspace_steps = [step for step in document["bootstrap"] if step["op"] == "create_keyspace"]
    steps = [
        [step[name] for name in ("seq", "op", "object", "cql", "undo")]
        for step in (*keyspace_steps, *document["steps"])
    ]
    refused = sorted([refusal["code"], refusal["object"]] for refusal in document["refusals"])
    return digest([document["keyspace"], document["from"], document["to"], len(keyspace_steps), steps, refused])
