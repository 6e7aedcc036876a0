"""Validators and converters of columns on assignment, as in ``attrs.define``.

Only a column with a validator or converter has a `CheckedSlot` in place of its slot, which reads at the speed of C and
checks assigned values. All other columns are plain slots. Loading bypasses the check, at the speed of a slot.
"""

from __future__ import annotations

import inspect
from typing import Any

import attrs

from scyllamodel.model._codegen import raw_slot_name_of_checked, slot_of


class CheckedSlot(property):
    """A slot that converts and validates assigned values.

    The first value of an instance is stored unchanged: ``__init__`` runs converter and validator, and a copy or a
    pickle contains values that were already checked. `attrs.validators.set_disabled` is respected.

    Attributes:
        member: the descriptor of the slot.
    """

    def __init__(self, member: Any, field: attrs.Attribute[Any]) -> None:
        read, store = member.__get__, member.__set__

        def assign(instance: Any, value: Any) -> None:
            try:
                read(instance)
            except AttributeError:
                store(instance, value)
                return
            converted = attrs.setters.convert(instance, field, value)
            store(instance, attrs.setters.validate(instance, field, converted))

        super().__init__(read, assign, member.__delete__, f"The column {field.name!r}, checked on assignment.")
        self.member = member


def is_slot(value: object) -> bool:
    """Whether a class attribute is the slot of a column."""
    return inspect.ismemberdescriptor(value) or isinstance(value, CheckedSlot)


def check_on_assignment(cls: type, field: attrs.Attribute[Any]) -> None:
    """Run the converter and validator of a column on assignment; remove those of a base if the column has none."""
    slot = slot_of(cls, field.name)
    member = slot.member if isinstance(slot, CheckedSlot) else slot
    converter: Any = getattr(field, "converter", None)
    if field.validator is not None or converter is not None:
        type.__setattr__(cls, raw_slot_name_of_checked(field.name), member)
        type.__setattr__(cls, field.name, CheckedSlot(member, field))
    elif member is not slot:
        type.__setattr__(cls, field.name, member)
