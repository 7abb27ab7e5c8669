"""`corpus-tuner jobs`: fine-tuning jobs, models and files at a remote host."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from corpus_tuner.store import indented


def add_to(app: click.Group, common: Callable[..., Any]) -> None:
    """Registers the commands; `common` is what every command of the group shares (--root, --json, --debug, errors)."""

    @app.group()
    def jobs() -> None:
        """Fine-tuning jobs and models at a remote host."""

    for name, command in (("list", list_jobs), ("follow", follow), ("cancel", cancel), ("delete", delete)):
        jobs.command(name)(_remote(common(command)))


def _remote(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--base-url", default="https://api.openai.com/v1", help="The host (OpenAI)."),
        click.option("--api-key-env", default="OPENAI_API_KEY", help="Variable that holds the key (OPENAI_API_KEY)."),
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="At most so many.")
def list_jobs(base_url: str, api_key_env: str, limit: int, root: Path, as_json: bool) -> None:  # noqa: ARG001
    """The newest jobs."""
    from corpus_tuner.train import jobs as remote

    found = remote.list_jobs(base_url, api_key_env, limit)
    if as_json:
        click.echo(indented(found))
        return
    if not found:
        click.echo(f"there are no jobs at {base_url}", err=True)
    for job in found:
        click.echo(f"{job.id}  {job.status:10}  {job.model} -> {job.fine_tuned_model or '-'}")


@click.argument("job")
def follow(base_url: str, api_key_env: str, job: str, root: Path, as_json: bool) -> None:  # noqa: ARG001
    """Print a job's events until it ends; Ctrl-C stops watching, not the job."""
    from corpus_tuner.train import jobs as remote

    final = remote.follow(base_url, api_key_env, job, lambda line: click.echo(line, err=as_json))
    click.echo(indented(final)) if as_json else click.echo(f"{final.id} {final.status} {final.fine_tuned_model or ''}".rstrip())


@click.argument("job")
def cancel(base_url: str, api_key_env: str, job: str, root: Path, as_json: bool) -> None:  # noqa: ARG001
    """Cancel a job."""
    from corpus_tuner.train import jobs as remote

    final = remote.cancel(base_url, api_key_env, job)
    click.echo(indented(final)) if as_json else click.echo(f"{final.id} {final.status}")


@click.argument("name")
def delete(base_url: str, api_key_env: str, name: str, root: Path, as_json: bool) -> None:  # noqa: ARG001
    """Delete a fine-tuned model (ft:...) or an uploaded file (file-...)."""
    from corpus_tuner.train import jobs as remote

    remote.delete(base_url, api_key_env, name)
    click.echo(indented({"deleted": name})) if as_json else click.echo(f"deleted {name}")
