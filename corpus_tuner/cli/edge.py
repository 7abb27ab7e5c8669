"""The edge of every command: --root, --json and --debug, and one line with the right exit code for whatever goes wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.watching import harmless


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """--root, --json and --debug, and one line with the right exit code for whatever goes wrong."""

    @click.option(
        "--root", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder that holds sources/ and generated/."
    )
    @click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout, and nothing else there.")
    @click.option("--debug", is_flag=True, help="A traceback instead of one line.")
    @functools.wraps(command)
    def wrapped(*args: Any, debug: bool, **options: Any) -> None:
        try:
            command(*args, **options)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)
        except KeyboardInterrupt:
            _fail("stopped: the same command goes on from here", 130, debug)
        except CorpusTunerError as error:
            _fail(str(error), error.exit_code, debug)
        except OSError as error:
            where = error.filename2 or error.filename  # of a copy, what was written
            _fail(f"{error.strerror or error}{f': {where}' if where else ''}; with that mended, the same command goes on from here", 1, debug)
        except Exception as error:  # noqa: BLE001  the outermost edge: one line for a person, --debug for us
            _fail(f"{type(error).__name__}: {error} (this is a bug or a broken file; --debug shows where)", 1, debug)

    return wrapped


def _fail(line: str, code: int, debug: bool) -> None:
    if debug:
        raise  # noqa: PLE0704  called in an except block
    click.echo(f"corpus-tuner: {harmless(' '.join(line.split()))}", err=True)
    sys.exit(code)
