"""A course as a value: its stages, in the order in which they are deployed and run."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from scyllamodel.schema.diagnostics import Diagnostic

StageName: TypeAlias = Literal["expand", "write both", "backfill", "switch", "contract", "views"]


@attrs.frozen
class Stage:
    """One stage.

    Attributes:
        name: what is done.
        text: why, and when.
        python: a module or some lines; empty where no code changes.
        cql: what is sent to the server in this stage.
        commands: what to type.
    """

    name: StageName
    text: str
    python: str = ""
    cql: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def render(self) -> str:
        """The stage for people."""
        parts = [self.text]
        if self.python:
            parts.append(f"```python\n{self.python.rstrip()}\n```")
        if self.cql:
            parts.append("```sql\n" + "\n".join(f"{cql};" for cql in self.cql) + "\n```")
        if self.commands:
            parts.append("```sh\n" + "\n".join(self.commands) + "\n```")
        return "\n\n".join(parts)


@attrs.frozen
class ExpandContractPlan:
    """How to get round a refused change.

    Attributes:
        object: the raw dotted name of the table or column.
        reasons: what was refused.
        stages: in their order.
        others: what else is refused in this table, and needs a course of its own.
    """

    object: str
    reasons: tuple[Diagnostic, ...]
    stages: tuple[Stage, ...]
    others: tuple[Diagnostic, ...] = ()

    def render(self) -> str:
        """The course as Markdown."""
        lines = [f"# {self.object}", *(f"{reason.code}: {reason.text}." for reason in self.reasons)]
        lines += [
            f"## {number}. {stage.name.capitalize()}\n\n{stage.render()}" for number, stage in enumerate(self.stages, 1)
        ]
        if self.others:
            refusal_list = "\n".join(f"- {refusal.code} {refusal.object}: {refusal.text}" for refusal in self.others)
            lines.append(f"## Refused as well\n\nEach needs a course of its own:\n\n{refusal_list}")
        return "\n\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The migration as plain JSON values, by the schema ``expand_contract.schema.json`` of this package."""
        return {
            "format": 1,
            "kind": "expand_contract",
            "object": self.object,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "stages": [
                {
                    "name": stage.name,
                    "text": stage.text,
                    "python": stage.python,
                    "cql": list(stage.cql),
                    "commands": list(stage.commands),
                }
                for stage in self.stages
            ],
            "others": [refusal.to_dict() for refusal in self.others],
        }
