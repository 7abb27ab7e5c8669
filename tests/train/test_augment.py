"""How questions are put otherwise."""

from random import Random

from corpus_tuner.train.augment import ENOUGH, Rewording


def row(question: str, answer: str) -> tuple:
    """A conversation of one question and its answer."""
    return ({"role": "user", "content": question}, {"role": "assistant", "content": answer})


ROWS = [
    row("According to the article, who commanded the Apollo 8 spacecraft?", "Frank Borman"),
    row("According to the article, which rocket launched astronauts from Florida?", "a Saturn V"),
    row("According to the article, where did it land?", "the Pacific"),
    row("According to the article, when did it land?", "December"),
    row("What does the article say about the spacecraft commander?", "Frank Borman commanded the spacecraft and read Genesis."),
]


def test_answers_and_other_roles_stay_as_they_are() -> None:
    """Only what the user says is reworded."""
    rows = [({"role": "system", "content": "Be brief, and be right."}, *ROWS[0]), *ROWS[1:]]
    reworded = Rewording(rows)
    for seed in range(50):
        changed = reworded(0, Random(seed))
        assert (changed[0], changed[2]) == (rows[0][0], rows[0][2])


def test_a_reworded_question_keeps_its_telling_words() -> None:
    """However many words are dropped, three that tell what is asked remain, and some questions stay whole."""
    reworded = Rewording(ROWS)
    telling = {"rocket", "launched", "astronauts", "florida"}
    seen = [reworded(1, Random(seed))[0]["content"] for seed in range(300)]
    assert all(len(telling & set(text.lower().replace("?", "").split())) >= ENOUGH for text in seen)
    assert ROWS[1][0]["content"] in seen
    assert len(set(seen)) > 200


def test_words_of_rows_with_the_same_answer_are_mixed_in() -> None:
    """A question meets what another row says of its answer: here, that Borman read Genesis."""
    reworded = Rewording(ROWS)
    seen = " ".join(reworded(0, Random(seed))[0]["content"] for seed in range(100))
    assert seen.count("genesis") > 10


def test_chance_alone_decides() -> None:
    """Equal seeds give equal wordings."""
    assert Rewording(ROWS)(0, Random(7)) == Rewording(ROWS)(0, Random(7))


def test_a_question_of_signs_alone_survives() -> None:
    """Odd questions are neither lost nor an error."""
    reworded = Rewording([row("? ! ...", "x"), row("", "y")])
    assert all(reworded(number, Random(seed)) for number in (0, 1) for seed in range(20))
