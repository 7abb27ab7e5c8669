"""The group of all commands: help in the order of the work, and one line for a command line that is wrong."""

from __future__ import annotations

import sys
from typing import Any

import click

WHOLE = 1000  # letters of a command's first sentence that the list of commands shows: all of them, on two lines if need be


class Commands(click.Group):
    """Lists its commands in the order of the work, not of the alphabet, each with its whole first sentence."""

    group_class = type  # of a group within: the same

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names as they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Nothing is cut short with dots."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(WHOLE)) for name, command in self.commands.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs a command line. One that is wrong is the user's mistake as any other: one line, exit code 2."""
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            more = f" (see {context.command_path} --help)" if context else ""
            click.echo(f"corpus-tuner: {' '.join(error.format_message().split()).rstrip('.')}{more}", err=True)
            code = error.exit_code
        except OSError as error:  # of a help page: a full disk; what a command meets is told by its edge
            click.echo(f"corpus-tuner: {error.strerror or error}", err=True)
            code = 1
        except click.Abort:
            code = 130
        sys.exit(code if isinstance(code, int) else 0)
