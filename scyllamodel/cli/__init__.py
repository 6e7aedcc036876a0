"""The command line: a thin layer over `scyllamodel.release`.

Modules:
    commands: what each command does.
    console: writes results to stdout and messages to stderr, or one JSON document to stdout.
    definitions: every command as its name, help texts and options, in the order of the help.
    errors: errors of the command line, and the message for an invalid one with the nearest valid word.
    execution: executes a parsed command and returns its exit code; reports all errors as text or JSON.
    exit_codes: exit codes and their descriptions, in one table for help texts and tests.
    formatting: formats results for people.
    ledger_texts: formats the status and the history of a keyspace for people.
    main: entry point: parses the arguments, and loads the rest of the package only for a command.
    options: options that several commands share, so that they work the same everywhere.
    output: runs a command for each repo, prints the results, and computes one exit code.
    parser: parses command lines; `Command` values describe the commands for argparse.
    progress: shows the progress of a run: a line for each step, and a progress bar on terminals.
    repo_selection: selects the repos of a command line.
    signals: handles Ctrl-C and SIGTERM: stop at once, or after the statement that is being executed.
    terminal: colour and progress bars with rich, from the extra ``cli``; the only module that imports it.
"""

from scyllamodel.cli.main import main as main

__all__ = ["main"]
