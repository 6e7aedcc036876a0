"""An expand/contract plan as a value: its stages in deployment order."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from scyllamodel.schema.diagnostics import Diagnostic

StageName: TypeAlias = Literal["expand", "write both", "backfill", "switch", "contract", "views"]


@attrs.frozen
class Stage:
    """One stage of an expand/contract plan.

    Attributes:
        name: the kind of stage.
        text: what to do, and when.
        python: a module or some lines of code; empty when no code changes.
        cql: the statements that run in this stage.
        commands: the commands to run.
    """

    name: StageName
    text: str
    python: str = ""
    cql: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def render(self) -> str:
        """The stage as Markdown."""
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
    """How to make a change that CQL refuses.

    Attributes:
        object: the raw dotted name of the table or column.
        reasons: the refusals that this plan resolves.
        stages: the stages in deployment order.
        others: other refused changes of this table, each of which needs a plan of its own.
    """

    object: str
    reasons: tuple[Diagnostic, ...]
    stages: tuple[Stage, ...]
    others: tuple[Diagnostic, ...] = ()

    def render(self) -> str:
        """The plan as Markdown."""
        lines = [f"# {self.object}", *(f"{reason.code}: {reason.text}." for reason in self.reasons)]
        lines += [
            f"## {number}. {stage.name.capitalize()}\n\n{stage.render()}" for number, stage in enumerate(self.stages, 1)
        ]
        if self.others:
            refusal_list = "\n".join(f"- {refusal.code} {refusal.object}: {refusal.text}" for refusal in self.others)
            lines.append(f"## Other refused changes\n\nEach needs a plan of its own:\n\n{refusal_list}")
        return "\n\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON values, by the schema ``expand_contract.schema.json`` of this package."""
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
