"""Validators and converters of columns on assignment, as ``attrs.define`` has them.

Only a column with a validator or converter is changed: its name holds a `CheckedSlot` over the slot, which is read by C
and checks what is assigned. All other columns stay bare slots. Loading writes past the check under the name that
`scyllamodel.model._codegen.raw_name` gives, at the speed of a slot.
"""

from __future__ import annotations

import inspect
from typing import Any

import attrs

from scyllamodel.model._codegen import raw_slot_name_of_checked, slot_of


class CheckedSlot(property):
    """A slot that converts and validates what is assigned to it.

    The first value of an instance is stored as it is: ``__init__`` runs converter and validator, and a copy or a pickle
    holds what was checked before. `attrs.validators.set_disabled` is respected.

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
    """Whether something in a class is the place of a column on instances."""
    return inspect.ismemberdescriptor(value) or isinstance(value, CheckedSlot)


def check_on_assignment(cls: type, field: attrs.Attribute[Any]) -> None:
    """Let assignments to this column run its converter and validator; take away those of a base if it has none."""
    slot = slot_of(cls, field.name)
    member = slot.member if isinstance(slot, CheckedSlot) else slot
    converter: Any = getattr(field, "converter", None)
    if field.validator is not None or converter is not None:
        type.__setattr__(cls, raw_slot_name_of_checked(field.name), member)
        type.__setattr__(cls, field.name, CheckedSlot(member, field))
    elif member is not slot:
        type.__setattr__(cls, field.name, member)
