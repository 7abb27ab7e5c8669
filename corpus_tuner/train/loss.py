"""The loss, computed at no more than the places that it counts.

Three things cost a plain trainer time. Padding: of a step's rows those of like length share a pass, or all are packed
end to end. Masks: padding stands on the right, where no real token of a causal model can see it, so that attention needs
no mask and takes its fast way. Logits: the language-model head sees the hidden states of the learnt tokens only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from corpus_tuner.train.batches import Encoded

if TYPE_CHECKING:
    from torch import Tensor


def learnt_logits(model: Any, rows: Sequence[Encoded], *, packed: bool = False) -> tuple[Tensor, Tensor]:
    """Logits (learnt tokens, vocabulary) in float32 that foretell the learnt tokens of `rows`, and those tokens.

    A row's first token is foretold by nothing, and so never counts.
    """
    import torch

    inputs, places, goals = (_end_to_end if packed else _side_by_side)(rows)
    inputs = {name: torch.tensor(values, device=model.device) for name, values in inputs.items()}
    picked = torch.tensor(places, device=model.device)
    with _head_sees(model, picked):
        logits = model(**inputs, use_cache=False).logits.flatten(0, 1)
    if len(logits) != len(picked):  # a model whose head is no module of its own
        logits = logits[picked]
    return logits.float(), torch.tensor(goals, device=model.device)


def _side_by_side(rows: Sequence[Encoded]) -> tuple[dict[str, Any], list[int], list[int]]:
    """Inputs padded on the right, the flat places whose next token is learnt, and those next tokens."""
    length = max(len(ids) for ids, _ in rows)
    padded = [ids + [0] * (length - len(ids)) for ids, _ in rows]
    learnt = [(number, at) for number, (_, flags) in enumerate(rows) for at in range(1, len(flags)) if flags[at]]
    return {"input_ids": padded}, [row * length + at - 1 for row, at in learnt], [padded[row][at] for row, at in learnt]


def _end_to_end(rows: Sequence[Encoded]) -> tuple[dict[str, Any], list[int], list[int]]:
    """The same as one row, whose positions begin anew where a row begins: by that attention knows them apart."""
    ids = [token for row, _ in rows for token in row]
    positions = [at for row, _ in rows for at in range(len(row))]
    flags = [flag for _, learnt in rows for flag in learnt]
    learnt = [at for at, flag in enumerate(flags) if flag and positions[at]]
    return {"input_ids": [ids], "position_ids": [positions]}, [at - 1 for at in learnt], [ids[at] for at in learnt]


@contextmanager
def _head_sees(model: Any, picked: Tensor) -> Iterator[None]:
    """Inside of the block the language-model head is given the hidden states at the flat places `picked` alone.

    What a model does to its logits after the head (a scale, a soft cap) it does to each of them, so it still holds.
    """
    head = model.get_output_embeddings()
    if head is None:
        yield
        return
    hook = head.register_forward_pre_hook(lambda _, args: (args[0].flatten(0, 1)[picked][None], *args[1:]))
    try:
        yield
    finally:
        hook.remove()


def parts(rows: Sequence[Encoded], most: int, a_pass: int = 0, *, packed: bool = False) -> list[list[Encoded]]:
    """`rows` in parts for one forward pass each, of at most `most` tokens with the padding counted, or of one row.

    Side by side, rows of like length share a part, in the way that costs least if a pass costs what `a_pass` tokens do and
    those that it reads or pads.
    """
    rows = sorted(rows, key=lambda row: -len(row[0]))
    if packed:
        return _filled(rows, most)
    costs, begins = [0.0], [0]  # of the cheapest way to part the first n rows; where its last part begins
    for end in range(1, len(rows) + 1):
        cost, begin = min(
            (costs[at] + a_pass + len(rows[at][0]) * (end - at), at)
            for at in range(end)
            if end - at == 1 or len(rows[at][0]) * (end - at) <= most
        )
        costs.append(cost)
        begins.append(begin)
    found, end = [], len(rows)
    while end:
        found.append(rows[begins[end] : end])
        end = begins[end]
    return found[::-1]


def _filled(rows: Sequence[Encoded], most: int) -> list[list[Encoded]]:
    found: list[list[Encoded]] = []
    room = 0
    for row in rows:
        if not found or len(row[0]) > room:
            found.append([])
            room = most
        found[-1].append(row)
        room -= len(row[0])
    return found


@contextmanager
def reading(model: Any) -> Iterator[None]:
    """Inside of the block `model` only reads: no gradients, no dropout; it is left in its mode.

    A layer of bitsandbytes stays in training mode: out of it, on a CPU, the next pass would put its weights into an
    order for good in which their product has no gradient (0.50).
    """
    import torch

    mode = model.training
    model.eval()
    for module in model.modules():
        if type(module).__name__ == "Linear4bit":
            module.training = True
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(mode)


TOKENS = 32  # of each row that the trial packs
AGREE = {"torch.float32": 1e-3, "torch.float64": 1e-3}  # of the logits' range; coarser numbers may differ by 5 %


def packs_right(model: Any, rows: Sequence[Encoded]) -> bool:
    """Whether `model` keeps packed rows apart, found out by trial on two of `rows`.

    Not all do: an attention without position ids, a recurrent layer, or a model that takes positions from the mask reads on
    from one row into the next. Which, no list could say for every architecture.
    """
    import torch

    trial = [(ids[:TOKENS], [False] + [True] * (len(ids[:TOKENS]) - 1)) for ids, _ in rows if len(ids) > 1][:2]
    trial = trial if len(trial) == 2 else trial * 2
    with reading(model):
        alone = torch.cat([learnt_logits(model, [row])[0] for row in trial])
        together = learnt_logits(model, trial, packed=True)[0]
    return bool((alone - together).abs().max() <= AGREE.get(str(model.dtype), 0.05) * alone.abs().max())
