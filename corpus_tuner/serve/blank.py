"""Makes the embedded base as it is before any training: `python -m corpus_tuner.serve.blank FOLDER`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ROW = ({"role": "user", "content": "What do you know?"}, {"role": "assistant", "content": "Nothing yet."})


def main(folder: Path) -> None:
    """Writes the base into `folder`, whole or not at all."""
    from corpus_tuner.settings import TrainSettings
    from corpus_tuner.train.scratch import begin, save

    partial = folder.with_name(f".{folder.name}-{os.getpid()}")
    partial.mkdir(parents=True)
    save(partial, begin([ROW], TrainSettings()))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
