"""Every command, in the order of the help."""

from __future__ import annotations

from typing import Final

from scyllamodel.cli.commands import look, schema, server

COMMANDS: Final = (*schema.COMMANDS, *look.COMMANDS, *server.COMMANDS)
