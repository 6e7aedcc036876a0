"""The command completion, which prints a script for a shell.

*In*: the parsers of all commands. *Out*: a script for bash or zsh.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Final

from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import DONE
from scyllamodel.cli.parser import completions

_BASH: Final = """\
_scyllamodel() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    else
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _scyllamodel scyllamodel
"""
_ZSH: Final = "autoload -U +X bashcompinit && bashcompinit\n"


def run_completion(settings: argparse.Namespace, console: Console) -> int:
    """Run the command completion."""
    script = completion_script(completions(settings.commands))
    console.script((_ZSH if settings.shell == "zsh" else "") + script.rstrip("\n"))
    return DONE


def completion_script(options_by_command: Mapping[str, Iterable[str]]) -> str:
    """Return a bash script that completes commands and the words of each command."""
    cases = "\n".join(f'            {name}) words="{" ".join(known)}" ;;' for name, known in options_by_command.items())
    return _BASH.format(commands=" ".join(options_by_command), cases=cases)
