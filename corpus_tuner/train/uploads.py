"""Files at a remote host: sent once, found again by name, waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus_tuner.train.host import CutOff, Host, Refused, pages
from corpus_tuner.train.ticket import Upload

FILE_WAIT = 300.0  # seconds to wait for a file to be processed; then the job's own validation tells


def send(host: Host, upload: Upload, path: Path) -> str:
    """Uploads the file; its id. Cut off, it may have arrived whole: then the host lists it. Raises CutOff if not."""

    def create() -> Any:
        with path.open("rb") as file:
            return host.client.files.create(file=(upload.name, file), purpose="fine-tune", timeout=600.0)

    try:
        return _id(host, host.once(create))
    except CutOff as cut:
        found = find(host, upload)
        if not found:
            raise CutOff(f"{cut}; run the same command again to go on") from None
        return found


def find(host: Host, upload: Upload) -> str:
    """The id of the file at the host that has this name and size; "" if it has none, or cannot list its files."""
    try:
        for page in pages(host, lambda **after: host.client.files.list(purpose="fine-tune", **after)):
            for file in page:
                size = getattr(file, "bytes", None)
                same = getattr(file, "filename", None) == upload.name and size in (None, upload.bytes)
                if same and getattr(file, "status", None) != "error":
                    return _id(host, file)
    except Refused as refusal:
        if not refusal.absent:
            raise
    return ""


def ready(host: Host, upload: Upload) -> bool:
    """Waits until the host has processed the file; whether it has a good one."""
    waited, wait = 0.0, 0.5
    while True:
        try:
            file = host.ask(lambda: host.client.files.retrieve(upload.id))
        except Refused as refusal:
            if not refusal.absent:
                raise
            return False
        status = str(getattr(file, "status", None) or "processed").lower()
        if status in ("error", "deleted"):
            return False
        if status not in ("uploaded", "pending", "running") or waited >= FILE_WAIT:
            return True
        host.sleep(wait)
        waited, wait = waited + wait, min(10.0, wait * 1.5)


def _id(host: Host, file: Any) -> str:
    name = getattr(file, "id", None)
    if not isinstance(name, str) or not name:
        raise Refused(f"{host.base_url} answered with a file that has no id: check base_url", 200)
    return name
