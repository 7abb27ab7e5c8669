"""What lies on disk: records as JSONL or in shards, atomic replacement, digests, and the record of every paid exchange."""

from corpus_tuner.store.calls import Calls
from corpus_tuner.store.files import digest, file_digest, replacing, write_bytes, write_text
from corpus_tuner.store.jsonl import (
    from_json,
    indented,
    parse_jsonl,
    read_jsonl,
    to_json,
    to_line,
    write_json,
    write_jsonl,
)

__all__ = [
    "Calls",
    "digest",
    "file_digest",
    "from_json",
    "indented",
    "parse_jsonl",
    "read_jsonl",
    "replacing",
    "to_json",
    "to_line",
    "write_bytes",
    "write_json",
    "write_jsonl",
    "write_text",
]
