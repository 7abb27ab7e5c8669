"""The loss at no more than the places that it counts, on models of several architectures with random weights."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tuner.train.loss import learnt_logits, packs_right, parts

torch = pytest.importorskip("torch")

VOCABULARY = 100
COMMON = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 64, "initializer_range": 0.2, "bos_token_id": None, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "llama": COMMON | {"num_key_value_heads": 2},
    "qwen3": COMMON | {"num_key_value_heads": 2, "head_dim": 8},
    "gemma2": COMMON | {"num_key_value_heads": 2, "head_dim": 8, "final_logit_softcapping": 5.0, "sliding_window": 8},
    "gpt_neox": COMMON,
    "gpt2": {
        "vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.2,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "bos_token_id": None, "eos_token_id": 0,
    },
    "bloom": {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4, "bos_token_id": None, "eos_token_id": 0},
}  # fmt: skip


def model(name: str) -> Any:
    """A model of random weights in double precision, so that what differs is not rounding."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **SHAPES[name])).double().train()


def rows(count: int = 6) -> list[tuple[list[int], list[bool]]]:
    """Rows of 4 to 30 tokens, with one learnt stretch or two."""
    chance, found = Random(0), []
    for _ in range(count):
        length = chance.randint(4, 30)
        learnt = [chance.random() < 0.5 for _ in range(length - 1)] + [True]
        found.append(([chance.randrange(1, VOCABULARY) for _ in range(length)], learnt))
    return found


def plainly(model: Any, batch: list[tuple[list[int], list[bool]]]) -> Any:
    """The same from all logits, row by row."""
    total = 0.0
    for ids, learnt in batch:
        chances = model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
        total = total - sum(chances[at - 1, ids[at]] for at in range(1, len(ids)) if learnt[at])
    return total


def loss_sum(model: Any, batch: list[Any], *, packed: bool = False) -> Any:
    """Cross-entropy summed over the learnt tokens, from their logits alone."""
    logits, goals = learnt_logits(model, batch, packed=packed)
    return torch.nn.functional.cross_entropy(logits, goals, reduction="sum")


def gradients(model: Any, loss: Any) -> Any:
    """All gradients of `loss` as one vector."""
    model.zero_grad()
    loss.backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


@pytest.mark.parametrize("packed", [False, True], ids=["side by side", "end to end"])
@pytest.mark.parametrize("name", ["llama", "qwen3", "gemma2", "gpt_neox", "gpt2"])
def test_loss_and_gradients_are_those_of_all_logits(name: str, packed: bool) -> None:
    """Neither padding without a mask, nor packing, nor logits at learnt places only change the loss or a gradient."""
    tried, batch = model(name), rows()
    expected = plainly(tried, batch)
    wanted = gradients(tried, expected)
    loss = loss_sum(tried, batch, packed=packed)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert (gradients(tried, loss) - wanted).abs().max() < 1e-5 * wanted.abs().max()


def test_a_row_packed_alone_or_with_others_is_read_alike() -> None:
    """Other tokens in the rows before it change nothing in a packed row's part of the loss."""
    tried, (first, second, *_) = model("llama"), rows()
    other = ([token % (VOCABULARY - 1) + 1 for token in first[0]], first[1])
    with torch.no_grad():
        sums = [(loss_sum(tried, [one, second], packed=True) - loss_sum(tried, [one])).item() for one in (first, other)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-6)


@pytest.mark.parametrize(("name", "right"), [("llama", True), ("gpt2", True), ("bloom", False)])
def test_whether_a_model_packs_rightly_is_found_out_by_trial(name: str, right: bool) -> None:
    """Bloom's attention has no positions to know rows by, and the trial says so; it leaves the model in its mode."""
    tried = model(name)
    assert packs_right(tried, rows()) is right
    assert packs_right(tried, rows(1)) is right
    assert tried.training


LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(LENGTHS, st.integers(1, 120), st.integers(0, 50), st.booleans())
def test_parts_hold_every_row_once_and_no_more_than_a_pass_takes(lengths: list[int], most: int, a_pass: int, packed: bool) -> None:
    """However rows are parted, all are there, and a part is one row or fits."""
    given_rows = [([number] * length, [True] * length) for number, length in enumerate(lengths)]
    found = parts(given_rows, most, a_pass, packed=packed)
    assert sorted(row[0] for part in found for row in part) == sorted(row[0] for row in given_rows)
    for part in found:
        size = sum(len(row[0]) for row in part) if packed else max(len(row[0]) for row in part) * len(part)
        assert size <= most or len(part) == 1


def test_rows_of_like_length_share_a_pass() -> None:
    """Two long and two short rows are read in two passes where a pass costs little, and in one where it costs much."""
    lengths = [40, 4, 39, 5]
    given_rows = [([0] * length, [True] * length) for length in lengths]
    assert [[len(row[0]) for row in part] for part in parts(given_rows, 1000, 10)] == [[40, 39], [5, 4]]
    assert len(parts(given_rows, 1000, 100)) == 1
