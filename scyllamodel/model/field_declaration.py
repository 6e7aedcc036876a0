"""The declaration of one column or field: what the class body says of it, and its type."""

from __future__ import annotations

from typing import Any, Final

import attrs

from scyllamodel.model.column import ColumnSpec
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.display import Show, display_for

DEFAULT_SPEC: Final = ColumnSpec()
"""The parameters of a column that is annotated only."""


@attrs.frozen(eq=False)
class FieldDeclaration:
    """One column or field as declared in a class body.

    Attributes:
        name: the attribute.
        field: the ``attrs.field`` of the declaration.
        annotation: the evaluated annotation, without ``Column[…]``; NOTHING after an error, which is reported.
        spec: the parameters of `column`, or their defaults.
        type_mapping: the type of the column; None after an error, which is reported.
    """

    name: str
    field: Any = attrs.field(repr=False)  # with its default, which may be a secret
    annotation: Any
    spec: ColumnSpec = DEFAULT_SPEC
    type_mapping: TypeMapping | None = None

    @property
    def db_name(self) -> str:
        """The unquoted CQL name."""
        return self.name if self.spec.db_name is None else self.spec.db_name

    @property
    def show(self) -> Show:
        """The function that shows values in reprs and errors."""
        return display_for(redact=self.spec.redact, secret=self.type_mapping is not None and self.type_mapping.secret)

    @property
    def in_key(self) -> bool:
        """Whether the column is part of the primary key."""
        return self.spec.kind in {"partition_key", "clustering"}


FieldDeclarations = dict[str, FieldDeclaration]
