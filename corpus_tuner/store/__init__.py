"""What lies on disk: records as JSONL or in shards, atomic replacement, digests, and the record of every paid exchange."""

from corpus_tuner.store import shards
from corpus_tuner.store.calls import Calls
from corpus_tuner.store.digests import remembered
from corpus_tuner.store.files import digest, file_digest, replacing, write_bytes, write_text
from corpus_tuner.store.jsonl import (
    from_json,
    indented,
    parse_jsonl,
    read_file,
    read_jsonl,
    to_json,
    to_line,
    write_json,
    write_jsonl,
)
from corpus_tuner.store.shards import files_of, is_stored

__all__ = [
    "Calls",
    "digest",
    "file_digest",
    "files_of",
    "from_json",
    "indented",
    "is_stored",
    "parse_jsonl",
    "read_file",
    "read_jsonl",
    "remembered",
    "replacing",
    "shards",
    "to_json",
    "to_line",
    "write_bytes",
    "write_json",
    "write_jsonl",
    "write_text",
]
