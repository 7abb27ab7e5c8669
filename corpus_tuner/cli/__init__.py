"""The command line: one short function per command, no logic. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import click

from corpus_tuner.cli import asking, building, looking
from corpus_tuner.cli.edge import common
from corpus_tuner.cli.group import Commands
from corpus_tuner.dataset.prepare import command as prepare_command
from corpus_tuner.serve import command as serve_command
from corpus_tuner.train import command as jobs_command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="corpus-tuner", prog_name="corpus-tuner")
def app() -> None:
    """From a corpus to a domain expert that you own, with proof of what it learned.

    TARGET is a name in sources/, a TOML file, a URL, or a local file or folder.
    """


for _command in (
    *building.STAGES, building.estimate, building.improve, asking.ask, asking.chat,
    looking.status, looking.show, looking.compare, looking.export,
):  # fmt: skip
    app.add_command(_command)
for _room in (prepare_command, jobs_command, serve_command):
    _room.add_to(app, common)


def main() -> None:
    """The console script."""
    app()
