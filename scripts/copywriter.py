#!/usr/bin/env python3
"""A stand-in for a writing model that answers in plain text: one sentence about what the prompt names, another at each asking.

  python scripts/copywriter.py --port 0

It prints its base URL and answers POST /v1/chat/completions. It is no model: it puts the words that stand behind "The shop is"
in the system message into one of a few sentences, the next one each time it is asked the same.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

SENTENCES = (
    "Come in: {} is open, and the day gets better inside.",
    "Some doors are worth the walk, and {} has one of them.",
    "You were on your way somewhere else until you saw {}.",
    "Bring a friend to {} and leave the hurry outside.",
    "There is {} round the corner, and it knows what you came for.",
)
ABOUT = re.compile(r"The shop is (.+?)\.(?:\s|$)")


class Copywriter(BaseHTTPRequestHandler):
    """One request, one sentence."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other
    seen: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = "\n".join(message["content"] for message in asked["messages"])
        about = (ABOUT.search(prompt) or re.search(r"(.*)\Z", prompt)).group(1)
        text = SENTENCES[(self.seen[prompt] + len(about)) % len(SENTENCES)].format(about)
        self.seen[prompt] += 1
        tokens = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        whole = {"id": "x", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": [choice], "usage": tokens}
        body = json.dumps(whole).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8123)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Copywriter)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
