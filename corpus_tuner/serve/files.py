"""`/v1/files`."""

from __future__ import annotations

import sqlite3
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, JSONResponse

from corpus_tuner.serve.guard import owner_of
from corpus_tuner.serve.problem import Problem, unknown_file
from corpus_tuner.serve.state import State, new_id, now
from corpus_tuner.serve.upload import Upload

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data")
LIVES = (3600, 2_592_000)  # seconds that a file may be asked to live, OpenAI's bounds

router = APIRouter(prefix="/v1/files")
Owner = Annotated[str, Depends(owner_of)]


@router.post("")
async def create(request: Request, owner: Owner) -> JSONResponse:
    """Stores an upload. It is known to the database only once it lies whole in its place."""
    from anyio import to_thread

    state: State = request.app.state.state
    name = new_id("file-")
    upload = Upload(request.headers.get("content-type", ""), state.folder / "incoming" / name)
    try:
        await upload.receive(request.stream())
        row = await to_thread.run_sync(_store, state, owner, name, upload)
    finally:
        upload.discard()
    return JSONResponse(as_object(row))


def _store(state: State, owner: str, name: str, upload: Upload) -> sqlite3.Row:
    values = _checked(upload)
    target = state.folder / "files" / name
    upload.path.rename(target)
    try:
        with state.write() as db:
            db.execute(
                "INSERT INTO files (id, owner, bytes, created_at, filename, purpose, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, owner, upload.bytes, now(), *values),
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    row = state.one("SELECT * FROM files WHERE id = ?", name)
    assert row is not None
    return row


def _checked(upload: Upload) -> tuple[str, str, int | None]:
    """(file name, purpose, when it expires). Raises Problem for a form that is not as it should be."""
    strange = set(upload.fields) - {"purpose", "expires_after[anchor]", "expires_after[seconds]"}
    if strange:
        raise Problem(400, f"Unknown parameter: '{sorted(strange)[0][:64]}'.", "unknown_parameter", sorted(strange)[0][:64])
    for needed, there in (("file", upload.path.exists()), ("purpose", "purpose" in upload.fields)):
        if not there:
            raise Problem(400, f"Missing required parameter: '{needed}'.", "missing_required_parameter", needed)
    purpose = upload.fields["purpose"]
    if purpose not in PURPOSES:
        raise Problem(400, f"'{purpose[:64]}' is not one of {list(PURPOSES)} - 'purpose'", "invalid_value", "purpose")
    filename = "".join(sign for sign in PureWindowsPath(PurePosixPath(upload.filename).name).name if sign.isprintable())[-255:]
    if purpose == "fine-tune" and PurePosixPath(filename.lower()).suffix not in ("", ".jsonl"):
        raise Problem(400, f"Invalid file format for Fine-Tuning API: {filename!r}. Must be .jsonl", "invalid_file_format", "file")
    if not upload.bytes:
        raise Problem(400, "File is empty.", "empty_file", "file")
    return filename or "upload", purpose, _expiry(upload.fields)


def _expiry(fields: dict[str, str]) -> int | None:
    if not any(name.startswith("expires_after") for name in fields):
        return None
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]", "")
    if anchor != "created_at":
        raise Problem(400, "'expires_after[anchor]' must be 'created_at'.", "invalid_value", "expires_after.anchor")
    if not (seconds.isascii() and seconds.isdigit() and LIVES[0] <= int(seconds[:9]) <= LIVES[1]):
        said = f"'expires_after[seconds]' must be a whole number from {LIVES[0]} to {LIVES[1]}."
        raise Problem(400, said, "invalid_value", "expires_after.seconds")
    return now() + int(seconds)


@router.get("")
def list_files(
    request: Request,
    owner: Owner,
    purpose: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
) -> JSONResponse:
    """A page of the owner's files."""
    where, values = "owner = ? AND (expires_at IS NULL OR expires_at > ?)", [owner, now()]
    if purpose is not None:
        where, values = f"{where} AND purpose = ?", [*values, purpose]
    state: State = request.app.state.state
    rows, more = state.page("files", where, values, after=after, limit=limit, newest_first=order == "desc")
    data = [as_object(row) for row in rows]
    first, last = (data[0]["id"], data[-1]["id"]) if data else ("", "")
    return JSONResponse({"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more})


@router.get("/{name}")
def retrieve(request: Request, owner: Owner, name: str) -> JSONResponse:
    """One file."""
    return JSONResponse(as_object(find(request.app.state.state, owner, name)))


@router.get("/{name}/content")
def content(request: Request, owner: Owner, name: str) -> FileResponse:
    """What is in a file, as a download: a browser never shows it."""
    state: State = request.app.state.state
    row = find(state, owner, name)
    return FileResponse(state.folder / "files" / row["id"], media_type="application/octet-stream", filename=row["filename"])


@router.delete("/{name}")
def delete(request: Request, owner: Owner, name: str) -> JSONResponse:
    """Removes a file; jobs that were given it keep their own copy."""
    state: State = request.app.state.state
    row = find(state, owner, name)
    with state.write() as db:
        db.execute("DELETE FROM files WHERE id = ?", (row["id"],))
    (state.folder / "files" / row["id"]).unlink(missing_ok=True)
    return JSONResponse({"id": row["id"], "object": "file", "deleted": True})


def find(state: State, owner: str, name: str) -> sqlite3.Row:
    """The owner's file of that id. Raises Problem."""
    row = state.one("SELECT * FROM files WHERE id = ? AND owner = ?", name, owner)
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= now()):
        raise unknown_file(name)
    return row


def as_object(row: sqlite3.Row) -> dict[str, Any]:
    """The file in OpenAI's shape. `expires_at` is left out of one that does not expire: the schema knows no null there."""
    found = {key: row[key] for key in ("id", "bytes", "created_at", "filename", "purpose")}
    if row["expires_at"] is not None:
        found["expires_at"] = row["expires_at"]
    return {"object": "file", **found, "status": "processed"}
