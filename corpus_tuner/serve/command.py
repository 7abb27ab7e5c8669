"""`corpus-tuner serve`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from corpus_tuner.errors import CorpusTunerError, MissingExtra

ONE_THREAD = "CORPUS_TUNER_ONE_THREAD"  # names the variables that the server set for itself alone


def add_to(app: click.Group, common: Callable[..., Any]) -> None:
    """Registers the command; `common` is what every command of the group shares (--root, --json, --debug, errors)."""

    @app.command()
    @click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0 chooses a free one.")
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; another than loopback needs a key.")
    @click.option("--config", "config", type=click.Path(path_type=Path), help="Settings (default: serve.toml in --root).")
    @click.option("--new-key", metavar="NAME", help="Make a key, print it once, and end.")
    @click.option("--revoke-key", metavar="NAME", help="Make the key of that name useless, and end.")
    @common
    def serve(
        root: Path, as_json: bool, port: int, host: str, config: Path | None, new_key: str | None, revoke_key: str | None
    ) -> None:
        """Fine-tune and answer over OpenAI's protocol, on this machine.

        Point any OpenAI SDK at http://127.0.0.1:PORT/v1 as its base_url. State is kept in ROOT/serve.
        """
        if new_key is None and revoke_key is None:
            run(root, host, port, config or root / "serve.toml", as_json)
        else:
            _keep(root / "serve", new_key, revoke_key, as_json)

    del serve


def _keep(folder: Path, new_key: str | None, revoke_key: str | None, as_json: bool) -> None:
    """Makes a key, or makes one useless."""
    from corpus_tuner.serve import keys
    from corpus_tuner.serve.state import State

    if new_key is not None:
        key = keys.make(State(folder), new_key)
        click.echo(json.dumps({"key": key}) if as_json else key)
    if revoke_key is not None:
        keys.revoke(State(folder), revoke_key)
        click.echo(json.dumps({"revoked": revoke_key}) if as_json else f"revoked {revoke_key}")


def run(root: Path, host: str, port: int, settings: Path, as_json: bool = False) -> None:
    """Serves until it is told to stop. Raises CorpusTunerError for what stands in the way."""
    from corpus_tuner.serve import config, keys, origin
    from corpus_tuner.serve.state import State

    folder = root / "serve"
    _limit_threads()
    uvicorn = _uvicorn()
    from corpus_tuner.serve import supervisor

    known = config.read(settings)
    lock = supervisor.take(folder)
    state = State(folder)
    supervisor.sweep_orphans(state)
    keyed = keys.are_there(state)
    if not keyed and not origin.is_loopback(host):
        raise CorpusTunerError(f"{host} can be reached by others: make a key first, corpus-tuner serve --new-key NAME")
    from corpus_tuner.serve.app import make
    from corpus_tuner.serve.connection import Connection

    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listener.getsockname()[1]}"
    click.echo(json.dumps({"url": url}) if as_json else url)
    click.echo(f"state in {folder}; Ctrl-C ends the server, not its jobs' progress", err=True)
    server = uvicorn.Server(
        uvicorn.Config(
            make(state, known, root, keyed=keyed), http=Connection, log_level="warning", access_log=False, server_header=False,
            timeout_keep_alive=30, timeout_graceful_shutdown=5, limit_concurrency=1024, h11_max_incomplete_event_size=64 * 1024,
        )
    )  # fmt: skip
    server.run(sockets=[listener])
    del lock


def _uvicorn() -> Any:
    """The module, once all that the service needs is found to be there."""
    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise MissingExtra("the service", "serve", str(error.name)) from None
    return uvicorn


def _listen(host: str, port: int) -> Any:
    import socket

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        raise CorpusTunerError(f"cannot listen at {host}, port {port}: {error.strerror or error}") from None
    return listener


def _limit_threads() -> None:
    """One thread for each matrix product: a small model's are over before a second thread has woken, and training
    needs the cores. Must be set before numpy is loaded."""
    import os

    unset = [name for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS") if name not in os.environ]
    os.environ |= dict.fromkeys(unset, "1") | {ONE_THREAD: ",".join(unset)}
