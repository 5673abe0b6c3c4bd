"""The command line: one group whose commands live in `skipbeat/commands`, one file each.

A command's file holds a `click.Command` called `command` and imports nothing heavy at its top: `skipbeat --help`
reads all the files and must stay instant.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from itertools import pairwise

import click

from skipbeat_arch.errors import InputError, one_line
from skipbeat_arch.extras import missing_package

from . import __version__, commands
from .interruption import LINE, answered

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

#: Options of which an empty text says something.
_MAY_BE_EMPTY = ("--prefix",)


class CommandFolder(click.Group):
    """A group with a command for each module of `skipbeat.commands`; `_` in a module's name is `-` in the command's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None if there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name}: `command` must be a click.Command, not {command!r}")
        return command


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="skipbeat %(version)s")
def cli() -> None:
    """A cycle-exact co-design simulator for N:M-sparse systolic accelerators.

    It compiles a pruned network into a program for a parameterised accelerator and tells its cycles; the program that
    was priced is the program that runs on the RTL.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 is success, 1 a check that failed, 2 bad input (one line on standard error), 3 an estimate without all products,
    130 an interruption.

    Args:
        arguments: without the program's name; None takes them from `sys.argv`.
    """
    try:
        words = sys.argv[1:] if arguments is None else list(arguments)
        _refuse_empty(words)
        status = cli.main(words, prog_name="skipbeat", standalone_mode=False, obj=words)
    except InputError as error:
        complain(str(error))
        return EXIT_BAD_INPUT
    except ModuleNotFoundError as error:
        if (missing := missing_package(error)) is None:
            raise
        complain(missing)
        return EXIT_BAD_INPUT
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_BAD_INPUT
    except click.UsageError as error:
        hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        complain(error.format_message().rstrip(".") + hint)
        return EXIT_BAD_INPUT
    except click.ClickException as error:
        complain(error.format_message())
        return EXIT_BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        answered()
        with suppress(OSError):  # the terminal may be what ended
            print(LINE, file=sys.stderr)
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else 0


def _refuse_empty(words: Sequence[str]) -> None:
    """Refuse an argument without a character: as a path it would be the current folder.

    Raises:
        InputError: there is one; the line names the option that it belongs to.
    """
    for number, (before, word) in enumerate(pairwise(["", *words])):
        name, sign, value = word.partition("=")
        given = sign and not value and name.startswith("--")
        option = name if given else before if before.startswith("-") else ""
        if (given or not word) and option not in _MAY_BE_EMPTY:
            where = option or (f"argument {number}" if number else "command")
            raise InputError(f"{where}: expected a name, a file or a value, not an empty text")


def complain(message: str) -> None:
    """Say what is wrong, in one line on standard error."""
    print(f"skipbeat: error: {one_line(message)}", file=sys.stderr)
