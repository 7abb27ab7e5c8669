"""What the tests of this room share: a base to train on."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_llama

ASKED_AND_SAID = """
Who commanded Apollo 8? Frank Borman did. I would not know.
When was it launched? 21 December 1968. some day, I guess.
Which rocket carried it into the sky above Florida? a Saturn V. no idea at all.
How many orbits of the Moon? ten. Where did it land? in the Pacific. who can tell?
Who took the photograph Earthrise? William Anders.
"""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base with random weights and without a chat template; whoever changes one makes one of its own."""
    folder = tmp_path_factory.mktemp("base")
    tiny_llama.make(folder, ASKED_AND_SAID.strip().splitlines())
    return folder
