"""Interrupts a call at one step, as a signal handler may: at any operation of the interpreter."""

from __future__ import annotations

import contextlib
import sys


class Interrupt:
    """A trace function that raises KeyboardInterrupt in this thread, at one operation in the given modules."""

    def __init__(self, step, modules):
        self.left, self.is_raised, self.files = step, False, [module.__file__ for module in modules]

    def __call__(self, frame, event, _):
        """Count operations, and raise."""
        if frame.f_code.co_filename not in self.files:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            self.left -= 1
            if self.left < 0:
                self.is_raised = True
                raise KeyboardInterrupt
        return self


def is_interrupted(step, modules, function, *arguments):
    """Whether a call was interrupted at this step; the interpreter removes a trace function that raises."""
    interrupt, previous = Interrupt(step, modules), sys.gettrace()
    with contextlib.suppress(KeyboardInterrupt):
        sys.settrace(interrupt)
        try:
            function(*arguments)
        finally:
            sys.settrace(previous)
    return interrupt.is_raised
