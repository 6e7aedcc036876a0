"""Every command, in the order of the help.

Modules:
    backfill: the command backfill, which copies values into a new column or rows into a new table.
    cluster: the commands wait and grants.
    explain: the command explain, which describes the codes of plans, lint and errors.
    guide: the commands guide and completion.
    inspect: the commands create-keyspace, inspect and lint.
    ledger: the commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock.
    local: the commands local and demo.
    schema: the commands plan, migrate and check.
    snapshot: the commands snapshot and diff.
"""

from __future__ import annotations

from typing import Final

from scyllamodel.cli.commands import backfill, cluster, explain, guide, inspect, ledger, local, schema, snapshot

COMMANDS: Final = (
    *schema.COMMANDS,
    *backfill.COMMANDS,
    *ledger.COMMANDS,
    *inspect.COMMANDS,
    *snapshot.COMMANDS,
    *cluster.COMMANDS,
    *explain.COMMANDS,
    *guide.COMMANDS,
    *local.COMMANDS,
)
