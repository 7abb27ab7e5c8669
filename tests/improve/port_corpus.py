"""A corpus of ports, three of its nine sections thinly asked about."""

from __future__ import annotations

from pathlib import Path

TOML = """[corpus]
name = "ports"
[[source]]
locator = "ports.md"
[generate]
writer = "ports"
kinds = {{ basic = 100 }}
[dataset]
paraphrase = 0.3
validation = {validation}
unseen = {unseen}
[train]
trainer = "ports"
[evaluate]
arms = ["base", "expert"]
"""


def write_corpus(root: Path, validation: float = 0.3, unseen: float = 0.0, poor: int = 3) -> Path:
    """Nine sections of six facts in `root`; the first `poor` of them are asked about in two wordings each, the others in five."""
    text = ["# Ports\n"]
    for section in range(9):
        text.append(f"## {'Poor' if section < poor else 'Rich'} coast {section}\n")
        text.append(" ".join(f"The port Port{'abcdefghi'[section]}{'uvwxyz'[n]} was opened in {1500 + 10 * section + n}." for n in range(6)) + "\n")
    (root / "sources").mkdir(parents=True)
    (root / "sources" / "ports.md").write_text("\n".join(text), encoding="utf-8")
    (root / "sources" / "ports.toml").write_text(TOML.format(validation=validation, unseen=unseen), encoding="utf-8")
    return root
