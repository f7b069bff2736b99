import itertools
import random
import re

import pytest

from exporter.pipelines.captions import VOCABULARY, named
from exporter.pipelines.simple_scene import COLOURS, FORMS, Content, content, contents

SHOWN = Content("red", "star", "blue")
THINGS = (*COLOURS, *FORMS)
SHARE = 0.65


@pytest.mark.parametrize(
    ("caption", "right"),
    [
        ("a red star on a blue background", ("red", "star", "blue")),
        ("A picture of a Scarlet STARFISH in the sky.", ("red", "star", "blue")),
        ("there is a star-shaped object", ("star",)),
        ("stars", ("star",)),
        ("**RED**\n\n*stars*", ("red", "star")),
        ("a star, crimson, with a navy ground", ("red", "star", "blue")),
        ("ａ ｒｅｄ s\u200btar", ("red", "star")),  # noqa: RUF001 - full-width letters
        ("a blue background", ("blue",)),
        ("a cat sitting on a chair", ()),
        ("a redder, starting blueprint", ()),
        ("", ()),
    ],
)
def test_what_is_there_is_found_in_many_words(caption: str, right: tuple[str, ...]) -> None:
    found = named(caption, SHOWN)
    assert (found.right, found.wrong) == (right, ())


def test_what_is_not_there_is_found_once_however_often_it_is_named() -> None:
    found = named("a green circle, a ball, circles, emerald and green, and a red star", SHOWN)
    assert found.right == ("red", "star")
    assert found.wrong == ("circle", "green")
    assert found.share == pytest.approx(3 / 6)


def test_white_black_grey_and_brown_say_nothing() -> None:
    assert named("a black and white photo of a grey and brown object", SHOWN).share is None


@pytest.mark.parametrize(
    ("caption", "found"),
    [("blue", 0), ("red", 1), ("star", 1), ("star on blue", 2), ("red star on blue", 3)],
)
def test_the_ground_counts_with_the_form_or_its_colour_only(caption: str, found: int) -> None:
    assert named(caption, SHOWN).found == found


def test_the_right_colour_outweighs_one_wrong_form_and_no_wrong_colour() -> None:
    shares = [named(text, SHOWN).share for text in ("a red kite", "a red or green thing")]
    assert shares == [pytest.approx(2 / 3), pytest.approx(1 / 2)]


def test_what_is_repeated_of_the_prompt_does_not_count() -> None:
    prompt = "Is it a red star, or a heart?"
    assert named(prompt, SHOWN, prompt).share is None
    assert named(f"{prompt.upper()} - a star", SHOWN, prompt).right == ("star",)
    assert named("a star", SHOWN, "").right == ("star",)


def test_every_word_is_written_as_it_is_looked_up_and_everything_drawn_has_some() -> None:
    assert set(VOCABULARY.values()) == set(THINGS)
    for word, thing in VOCABULARY.items():
        assert re.fullmatch("[a-z]+", word)
        shown = next(one for one in contents() if thing in (one.colour, one.form))
        assert named(f"the {word}s", shown).found == 1
        assert named(word, shown).found == 1


def _luck(words: tuple[str, ...], asked: int, chances: dict[Content, float]) -> float:
    """How often a caption of these words is good for a picture that is drawn."""
    caption = " ".join(words)
    good = 0.0
    for shown, chance in chances.items():
        found = named(caption, shown)
        if found.found >= asked and (found.share or 0) >= SHARE:
            good += chance
    return good


def _chances() -> dict[Content, float]:
    """Each picture's, as the drawing has it: colour and form alike, then one of the grounds."""
    pairs: dict[tuple[str, str], list[Content]] = {}
    for shown in contents():
        pairs.setdefault((shown.colour, shown.form), []).append(shown)
    return {one: 1 / len(pairs) / len(same) for same in pairs.values() for one in same}


def test_the_settings_say_how_lucky_a_constant_caption_can_be() -> None:
    chances = _chances()
    assert sum(chances.values()) == pytest.approx(1)
    captions = [words for size in (1, 2, 3) for words in itertools.combinations(THINGS, size)]
    best = [max(_luck(words, asked, chances) for words in captions) for asked in (1, 2, 3)]
    assert best[0] < 0.18
    assert best[1] < 0.11
    assert best[2] < 0.04
    # The limits above are no accident: one word is right of every seventh picture.
    assert best[0] > 1 / 7
    assert _luck(("red",), 1, chances) == pytest.approx(1 / 7)


def test_what_is_drawn_is_as_likely_as_said() -> None:
    rng = random.Random(1)
    drawn = [content(rng) for _ in range(4000)]
    for colour in COLOURS:
        assert sum(one.colour == colour for one in drawn) == pytest.approx(4000 / 7, rel=0.15)
    for form in FORMS:
        assert sum(one.form == form for one in drawn) == pytest.approx(4000 / 7, rel=0.15)
    assert set(drawn) == set(contents())
