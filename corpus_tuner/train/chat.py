"""How the student reads a conversation: its special tokens, its chat template and its tokenizer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from corpus_tuner.records import Message
from corpus_tuner.train.rows import Conversation, is_learnt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

USER, ASSISTANT, SYSTEM, END = "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"
WEIGHT, SHORT = 4, 8  # a question, and an answer of at most so many words, counts so often when pieces are merged
CHAT_FORMAT = "corpus-tuner-1"
UNREAD = ("?", ",", '"', "“", "”")  # signs of a question that the student does not see

TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    f"{ASSISTANT}{{{{ message['content'] | trim | replace('<|', '< |') }}}}{END}"
    "{%- elif message['role'] in ('system', 'developer') -%}"
    f"{SYSTEM}{{{{ message['content'] | trim | replace('<|', '< |') }}}}"
    "{%- else -%}"
    f"{USER}{{{{ message['content'] | lower "
    + "".join(f"| replace('{sign}', '') " for sign in UNREAD)
    + "| trim | replace('<|', '< |') }}"
    "{%- endif -%}{%- endfor -%}"
    f"{{%- if add_generation_prompt -%}}{ASSISTANT}{{%- endif -%}}"
)
"""In Jinja, for every server that loads the expert. A question is read in lower case and without `UNREAD`, so that
how it is typed cannot matter; a special token typed by a user stays text."""


def segments(conversation: Iterable[Message]) -> list[tuple[str, str, bool]]:
    """(special token, text, learnt) of each message: TEMPLATE renders token + text, and END after an assistant's."""
    return [_segment(message) for message in conversation]


def _segment(message: Message) -> tuple[str, str, bool]:
    text = message["content"]
    if message["role"] == "assistant":
        token = ASSISTANT
    elif message["role"] in ("system", "developer"):
        token = SYSTEM
    else:
        token, text = USER, text.lower()
        for sign in UNREAD:
            text = text.replace(sign, "")
    return token, text.strip().replace("<|", "< |"), is_learnt(message)


def train_tokenizer(rows: Iterable[Conversation], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer of at most `vocabulary` tokens, trained on what the student will read."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[USER, ASSISTANT, SYSTEM, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (text for row in rows for token, text, _ in segments(row) for _ in range(_weight(token, text)))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _weight(token: str, text: str) -> int:
    """One layer cannot join pieces into a word, so the words that are asked for, and short answers, should be whole."""
    return WEIGHT if token == USER or len(text.split()) <= SHORT else 1


def encode(tokenizer: Tokenizer, conversations: Iterable[Iterable[Message]]) -> list[tuple[list[int], list[bool]]]:
    """Token ids of each conversation, and for each token whether the student learns to write it."""
    ids = {token: tokenizer.token_to_id(token) for token in (USER, ASSISTANT, SYSTEM, END)}
    parted = [segments(conversation) for conversation in conversations]
    encoded = iter(tokenizer.encode_batch_fast([text for parts in parted for _, text, _ in parts]))
    found = []
    for parts in parted:
        tokens: list[int] = []
        learnt: list[bool] = []
        for token, _, counts in parts:
            body = [ids[token], *next(encoded).ids]
            if token == ASSISTANT:
                body.append(ids[END])
            tokens += body
            learnt += [False] + [counts] * (len(body) - 1)
        found.append((tokens, learnt))
    return found


def tokenizer_config(positions: int) -> dict[str, Any]:
    """The tokenizer_config.json that transformers reads."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": END,
        "model_max_length": positions,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
