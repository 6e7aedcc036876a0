"""Every command as its name, help texts and options, in the order of the help.

Nothing here imports what a command does: a definition names the function, which is imported when the command runs.

Modules:
    backfill: defines the command backfill, which copies values into a new column or rows into a new table.
    cluster: defines the commands wait and grants.
    explain: defines the command explain, which describes the codes of plans, lint and errors.
    guide: defines the commands guide and completion.
    inspect: defines the commands create-keyspace, inspect and lint.
    ledger: defines the commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock.
    local: defines the commands local and demo.
    schema: defines the commands plan, migrate and check.
    snapshot: defines the commands snapshot and diff.
"""

from __future__ import annotations

from typing import Final

from scyllamodel.cli.definitions import backfill, cluster, explain, guide, inspect, ledger, local, schema, snapshot

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
