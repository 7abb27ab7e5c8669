"""report.md: the figures for a pull request, in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from corpus_tuner.evaluate.advice import advice, breakeven, money
from corpus_tuner.evaluate.checks import Checks
from corpus_tuner.evaluate.pairs import shown
from corpus_tuner.evaluate.questions import ALL, UNKNOWN
from corpus_tuner.evaluate.results import EXPERT, Estimate, Results
from corpus_tuner.evaluate.wording import name, verdicts

LISTED = 10  # leaks, doubtful answers and changes that are written out
LONGEST = 300  # characters of a question or an answer
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|<>~@&])")  # what opens markup within a line


def markdown(results: Results, meta: Mapping[str, Any], checks: Checks) -> str:
    """The report as Markdown; nothing of a title, question or answer is taken for markup."""
    parts = [f"# {plain(meta.get('title') or meta.get('name') or 'Evaluation')}: what the expert learned", ""]
    parts += [f"- {_whole(line)}" for line in (*(one.sentence for one in advice(results)), breakeven(meta.get("costs"))) if line]
    for one in verdicts(results):
        parts += [f"- **{plain(one.title)}**: {plain(one.sentence)}", *(f"  - {plain(line)}" for _, line in one.against)]
    parts += ["", *_table(results), "", *_pairs(results), "", *_checks(checks), "", *_costs(meta.get("costs") or {})]
    return "\n".join(parts).rstrip() + "\n"


def plain(text: Any) -> str:
    """`text` on one line of at most `LONGEST` characters, with what Markdown or HTML would read as markup escaped."""
    line = " ".join(str(text).split())
    line = line if len(line) <= LONGEST else line[:LONGEST] + " …"
    return _escaped(line)


def _whole(sentence: str) -> str:
    return _escaped(" ".join(sentence.split()))


def _escaped(line: str) -> str:
    return _SPECIAL.sub(r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;")


def _table(results: Results) -> list[str]:
    rows = ["| questions | arm | n | exact | F1 | contained |", "|---|---|--:|--:|--:|--:|"]
    several = [ALL] if len(results.classes) > 1 else []
    for cls in [UNKNOWN, *results.classes, *several]:
        for arm in results.arms:
            cell = results.cell(arm, cls)
            if cell:
                figures = " | ".join(_figure(one) for one in (cell.exact, cell.f1, cell.contained))
                rows.append(f"| {plain(name(cls))} | {plain(arm)} | {cell.n} | {figures} |")
    return rows


def _figure(one: Estimate) -> str:
    return f"{100 * one.value:.1f} [{100 * one.low:.0f}, {100 * one.high:.0f}]"


def _pairs(results: Results) -> list[str]:
    rows = ["Arms that differ from the expert (exact match, McNemar, corrected for the number of classes by Holm):", ""]
    found = [one for one in shown(results.pairs) if one.metric == "exact" and EXPERT in (one.left, one.right)]
    for one in found:
        only = f"{one.left_only} against {one.right_only} of {one.n}"
        rows.append(f"- {plain(name(one.cls))}: {plain(one.verdict)} is ahead of {plain(one.right if one.verdict == one.left else one.left)} ({only}, p = {one.adjusted:.2g})")
    return rows if found else ["No arm differs from the expert by more than chance (exact match, McNemar, Holm)."]


def _checks(checks: Checks) -> list[str]:
    one = len(checks.leaks) == 1
    rows = [f"Leaks: {len(checks.leaks)} held-out question{'' if one else 's'} stand{'s' if one else ''} in the training data."]
    rows += [f"- {plain(one.text)} — trained: {plain(one.trained)[:200]}" for one in checks.leaks[:LISTED]]
    if checks.suspects:
        rows += ["", f"Accepted answers to look at: {len(checks.suspects)}."]
        rows += [f"- {plain(one.text)} — {plain(one.accepted)}: {plain(one.why)}" for one in checks.suspects[:LISTED]]
    if checks.changes:
        gained = sum(one.gained for one in checks.changes)
        rows += ["", f"From base to expert: {gained} answer{'' if gained == 1 else 's'} got right, {len(checks.changes) - gained} got wrong."]
    if checks.audit:
        verdict = "trusted" if checks.audit.trusted else f"not to be trusted: {plain(checks.audit.why)}"
        rows += ["", f"The judge is {verdict}."]
    return rows


def _costs(costs: Mapping[str, Any]) -> list[str]:
    if not costs:
        return []
    seconds = ", ".join(f"{plain(stage)} {took:,.0f} s" for stage, took in costs["seconds"].items())
    rows = [f"Time by stage: {seconds}."]
    for one in costs["spent"]:
        used = ", ".join(f"{count:,} {plain(sort)}" for sort, count in one["tokens"].items() if count)
        cost = "price not known" if one["cost"] is None else f"{money(one['cost'])} {plain(costs['currency'])}"
        rows.append(f"- {plain(one['stage'])}, {plain(one['model'])}: {one['calls']:,} calls, tokens {used or 'not told'}: {cost}")
    return rows
