"""The fifteen checks of OpenAI's old `prepare_data`, for rows of prompt and completion, in its order.

Triggers are its own (openai 0.28.1, lib/_validators). What differs: a remedy that takes something out of a text which
may matter (lower case, long rows, a shared start that is no label) is optional here and done by name only; there it
was recommended, and turned "Answer 3" into " 3".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from corpus_tuner.dataset.prepare.finding import Finding, Row, Rows, changing, dropping, shown

Check = Callable[[Rows], Finding | None]

FEW = 100
LONG = 10_000  # characters of a prompt and its completion
LONG_SUFFIX, LONG_PROMPT_PREFIX, LONG_COMPLETION_PREFIX = 10, 12, 5  # characters
SEPARATORS = (" ->", "\n\n###\n\n", "\n\n===\n\n", "\n\n---\n\n", "\n\n===>\n\n", "\n\n--->\n\n")
LAST_SEPARATOR = "\n\n### =>\n\n"
ENDINGS = ("\n", ".", " END", "***", "+++", "&&&", "$$$", "@@@", "%%%")
LAST_ENDING = " [END]"
LABEL_ENDS = ":>=|\n"


def count(rows: Rows) -> Finding:
    """1: how many rows there are."""
    said = f"The file holds {len(rows):,} prompt-completion pairs."
    if len(rows) < FEW:
        said += " A few hundred are better: each doubling helps about as much as the one before."
    return Finding("count", "note", said)


def columns(rows: Rows) -> Iterator[Finding]:
    """2, 3 and 4: the columns prompt and completion are there, in that case, and no others are kept."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    for wanted in ("prompt", "completion"):
        if wanted in names:
            continue
        found = next((name for name in names if name.lower() == wanted), None)
        if found is None:
            have = ", ".join(names[:10]) or "none"
            yield Finding(f"{wanted} column", "stop", f"There is no column `{wanted}` (columns: {have}): name it with --{wanted} COLUMN.")
            return
        yield Finding(
            f"{wanted} column", "necessary", f"The column `{found}` is in another case.", before=found, after=wanted,
            action=f"Rename it to `{wanted}`", remedy=_renaming(found, wanted),
        )  # fmt: skip
        names[names.index(found)] = wanted
    more = [name for name in names if name not in ("prompt", "completion")]
    if more:
        said = f"Columns beside prompt and completion: {', '.join(more)}."
        alike = [name for name in more if "prompt" in name.lower() or "completion" in name.lower()]
        if alike:
            said += f" Some names are alike ({', '.join(alike)}): check that the right ones are used."
        yield Finding("extra columns", "necessary", said, action=f"Leave {len(more)} out", remedy=_only_pairs)


def _renaming(found: str, wanted: str) -> Callable[[Rows], Rows]:
    def remedy(rows: Rows) -> Rows:
        return [Row(row.number, {wanted if name == found else name: value for name, value in row.values.items()}) for row in rows]

    return remedy


def _only_pairs(rows: Rows) -> Rows:
    return [Row(row.number, {name: row[name] for name in ("prompt", "completion")}) for row in rows]


def empty_completion(rows: Rows) -> Finding | None:
    """5: nothing can be learnt from a row without a completion."""
    gone = [row for row in rows if not row["completion"]]
    return dropping("empty completion", "necessary", "{count} {rows} without a completion.", gone, "Leave {count} {rows} out")


def task_type(rows: Rows) -> Finding:
    """6: what the rows look like: it decides which of the further checks apply."""
    task = infer_task(rows)
    said = f"The data looks like {task}."
    if task == "classification":
        said += " A small base is enough; keep rows back to measure it on."
    return Finding("task type", "note", said)


def infer_task(rows: Rows) -> str:
    """open-ended generation, classification or conditional generation."""
    if not any(row["prompt"] for row in rows):
        return "open-ended generation"
    if len({row["completion"] for row in rows}) < len(rows) / 3:
        return "classification"
    return "conditional generation"


def duplicates(rows: Rows) -> Finding | None:
    """7: rows whose prompt and completion stand in an earlier row."""
    seen: set[tuple[str, str]] = set()
    gone = []
    for row in rows:
        pair = row["prompt"], row["completion"]
        (gone.append if pair in seen else lambda _: None)(row)
        seen.add(pair)
    return dropping("duplicates", "recommended", "{count} {rows} repeat an earlier one.", gone, "Leave {count} {rows} out")


def long_rows(rows: Rows) -> Finding | None:
    """8: rows beyond what an old model could read."""
    if infer_task(rows) == "open-ended generation":
        return None
    gone = [row for row in rows if len(row["prompt"]) + len(row["completion"]) > LONG]
    said = f"{{count}} {{rows}} of more than {LONG:,} characters: a model that reads 2,048 tokens cuts them."
    return dropping("long rows", "optional", said, gone, "Leave {count} {rows} out")


def upper_case(key: str) -> Check:
    """9 and 10: more than a third of the letters are capitals."""

    def check(rows: Rows) -> Finding | None:
        upper = sum(sign.isupper() for row in rows for sign in row[key] if sign.isalpha())
        lower = sum(sign.islower() for row in rows for sign in row[key] if sign.isalpha())
        if 2 * upper <= lower:
            return None
        said = f"More than a third of the letters of the {key}s are capitals. Models do worse with them; but lower case cannot be undone."
        return changing(f"{key} case", "optional", said, rows, key, str.lower, f"Write the {key}s in lower case")

    return check


def prompt_suffix(rows: Rows) -> Finding | None:
    """11: every prompt ends with the same separator, so that the model knows where the completion begins."""
    if infer_task(rows) == "open-ended generation":
        return None
    prompts = [row["prompt"] for row in rows]
    common = common_suffix(prompts)
    if all(prompt == common for prompt in prompts):
        return Finding("prompt suffix", "stop", f"All prompts are `{shown(common)}`: leave them empty for open-ended generation, or make them differ.")
    free = [one for one in SEPARATORS if not _occurs(one, prompts) and (one != " ->" or not _occurs("\n", prompts))]
    suggested = (*free, LAST_SEPARATOR)[0]
    if common:
        said = f"All prompts end with `{shown(common)}`." + _about(common, prompts, suggested)
        return Finding("prompt suffix", "note", said)
    said = "The prompts have no common ending that tells where the completion begins (a chat model's template does that by itself)."
    return changing("prompt suffix", "recommended", said, rows, "prompt", lambda text: text + suggested, f"Add `{shown(suggested)}` to every prompt")


def _about(common: str, texts: list[str], suggested: str) -> str:
    said = ""
    if len(common) > LONG_SUFFIX:
        said += f" That is long; a shorter one, such as `{shown(suggested)}`, costs less."
    if any(common in text[: -len(common)] for text in texts):
        said += " It also occurs inside of some: a unique one is safer."
    return said


def prompt_prefix(rows: Rows) -> Finding | None:
    """12: every prompt begins with the same words."""
    prompts = [row["prompt"] for row in rows]
    common = common_prefix(prompts)
    if not common or all(prompt == common for prompt in prompts):
        return None
    said = f"All prompts begin with `{shown(common)}`."
    if len(common) <= LONG_PROMPT_PREFIX:
        return Finding("prompt prefix", "note", said)
    return _label("prompt prefix", rows, "prompt", common, said + " A tuned model does not need to be told its task.")


def completion_prefix(rows: Rows) -> Finding | None:
    """13: every completion begins with the same characters."""
    completions = [row["completion"] for row in rows]
    common = common_prefix(completions)
    if len(common) < LONG_COMPLETION_PREFIX or all(text == common for text in completions):
        return None
    return _label("completion prefix", rows, "completion", common, f"All completions begin with `{shown(common)}`.")


def _label(check: str, rows: Rows, key: str, common: str, said: str) -> Finding:
    """A shared start is a label if it ends like one ("Answer: "); other words that all rows share may be meant ("Answer 3")."""
    label = _label_of(common)
    cut = label or common
    level = "recommended" if label else "optional"
    if not label:
        said += " It is no label that ends with a colon or the like, and may be part of what is said."

    def change(text: str) -> str:
        rest = text[len(cut) :] if label == "" else text[len(cut) :].lstrip(" ")
        return f" {rest.lstrip(' ')}" if cut.startswith(" ") and key == "completion" else rest

    return changing(check, level, said, rows, key, change, f"Leave `{shown(cut)}` out of every {key}")


def _label_of(common: str) -> str:
    """The part of a shared start that is a label, with the space behind it; "" if none is."""
    end = max(map(common.rfind, LABEL_ENDS)) + 1
    while end and end < len(common) and common[end] == " ":
        end += 1
    return common[:end]


def completion_suffix(rows: Rows) -> Finding | None:
    """14: every completion ends with the same stop sequence."""
    if infer_task(rows) != "conditional generation":
        return None
    completions = [row["completion"] for row in rows]
    common = common_suffix(completions)
    if all(text == common for text in completions):
        return Finding("completion suffix", "stop", f"All completions are `{shown(common)}`: a model would only repeat it.")
    suggested = (*(one for one in ENDINGS if not _occurs(one, completions)), LAST_ENDING)[0]
    if common:
        return Finding("completion suffix", "note", f"All completions end with `{shown(common)}`." + _about(common, completions, suggested))
    said = "The completions have no common ending that can be given as `stop` (a chat model ends its answer by itself)."
    return changing(
        "completion suffix", "recommended", said, rows, "completion", lambda text: text + suggested, f"Add `{shown(suggested)}` to every completion"
    )


def leading_space(rows: Rows) -> Finding | None:
    """15: every completion begins with a space, as the tokens of words do."""
    if all(row["completion"].startswith(" ") for row in rows):
        return None
    said = "Not every completion begins with a space, as the tokens of most models do (a chat model's template needs none)."
    return changing(
        "leading space", "recommended", said, rows, "completion", lambda text: text if text.startswith(" ") else f" {text}",
        "Begin every completion with a space",
    )  # fmt: skip


def common_prefix(texts: list[str]) -> str:
    """The longest text that all begin with."""
    first, last = min(texts), max(texts)  # what these two share, all that lie between them share
    end = next((place for place, (one, other) in enumerate(zip(first, last)) if one != other), min(len(first), len(last)))
    return first[:end]


def common_suffix(texts: list[str]) -> str:
    """The longest text that all end with."""
    return common_prefix([text[::-1] for text in texts])[::-1]


def _occurs(part: str, texts: list[str]) -> bool:
    return any(part in text for text in texts)


CHECKS: tuple[Check, ...] = (
    empty_completion, task_type, duplicates, long_rows, upper_case("prompt"), upper_case("completion"), prompt_suffix, prompt_prefix,
    completion_prefix, completion_suffix, leading_space,
)  # fmt: skip
LEGACY = frozenset({"prompt suffix", "completion suffix", "leading space"})  # of no use to a chat model's template
