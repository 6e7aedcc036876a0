"""What each command does, after `scyllamodel.cli.definitions` and the parser.

Modules:
    backfill: the command backfill, which copies values into a new column or rows into a new table.
    cluster: the commands wait and grants.
    completion: the command completion, which prints a script for a shell.
    explain: the command explain, which describes the codes of plans, lint and errors.
    guide: the command guide, which prints the pages of the package.
    inspect: the commands create-keyspace, inspect and lint.
    ledger: the commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock.
    local: the commands local and demo.
    migrate: the command migrate, which brings the server up to date with the models.
    schema: the commands plan and check.
    snapshot: the commands snapshot and diff.
"""
