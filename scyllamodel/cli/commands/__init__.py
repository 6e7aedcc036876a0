"""All commands, in the order of the help."""

from __future__ import annotations

from typing import Final

from scyllamodel.cli.commands import backfill, cluster, explain, guide, ledger, look, offline, schema, server

COMMANDS: Final = (
    *schema.COMMANDS,
    *backfill.COMMANDS,
    *ledger.COMMANDS,
    *look.COMMANDS,
    *offline.COMMANDS,
    *cluster.COMMANDS,
    *explain.COMMANDS,
    *guide.COMMANDS,
    *server.COMMANDS,
)
