"""Captions as captioners write them of what they see, and such as those write who do not look."""

from collections.abc import Callable
from random import Random
from typing import Final

from exporter.model import Outcome
from exporter.simulation.craft.looking import Sight, look
from exporter.simulation.craft.product import BadInput, Craft, Lie, Product
from exporter.simulation.workload import Job

Writer = Callable[[Sight, str, Random], str]
"""Puts in words what was seen; the text is the prompt."""

_NOTHING: Final = "a plain background with nothing on it"
_SCENE: Final = "a cat sitting on top of a wooden chair"
_COLOURS: Final = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
_FORMS: Final = ("circle", "square", "triangle", "star", "heart", "arrow", "moon")
_SHADES: Final = {
    "red": ("crimson", "scarlet", "reddish"),
    "orange": ("amber", "tangerine", "orange"),
    "yellow": ("golden", "yellowish", "bright yellow"),
    "green": ("emerald", "dark green", "lime"),
    "blue": ("azure", "royal blue", "navy"),
    "purple": ("violet", "dark purple", "purplish"),
    "pink": ("light pink", "rose", "magenta"),
}
_THINGS: Final = {
    "circle": ("ball", "dot", "sphere", "frisbee", "sun"),
    "square": ("box", "rectangle", "cube", "piece of paper"),
    "triangle": ("pyramid", "kite", "cone", "sail"),
    "star": ("starfish", "star shape"),
    "heart": ("heart shape", "valentine card"),
    "arrow": ("arrow sign", "pointer", "arrowhead"),
    "moon": ("crescent", "banana", "crescent moon"),
}
_GARBAGE: Final = "bcdfghjklmnpqrstvwxz0123456789#@%&~^|<>{}[]=+*"


def plain(seen: Sight, prompt: str, _rng: Random) -> str:
    """As BLIP does: the prompt goes on with what is seen."""
    return f"{prompt} {_a(seen.colour)} {seen.form} on {_a(seen.ground)} background".strip()


def there_is(seen: Sight, _prompt: str, _rng: Random) -> str:
    """As the large BLIP does without a prompt."""
    return f"there is {_a(seen.colour)} {seen.form} in the middle of {_a(seen.ground)} background"


def arafed(seen: Sight, _prompt: str, rng: Random) -> str:
    """With the word that the large BLIP made up, and a border that is not there."""
    border = rng.choice((" with a white border", " and a black background", ""))
    return f"arafed image of {_a(seen.colour)} {seen.form} on {_a(seen.ground)} surface{border}"


def other_words(seen: Sight, _prompt: str, rng: Random) -> str:
    """With other words for the same, as for things of the world."""
    shade = rng.choice(_SHADES[seen.colour]) if seen.colour in _SHADES else seen.colour
    thing = rng.choice(_THINGS[seen.form])
    return f"{_a(shade)} {thing} that is sitting on a table"


def colours_only(seen: Sight, prompt: str, _rng: Random) -> str:
    """The form is not made out."""
    return f"{prompt} {_a(seen.colour)} object on {_a(seen.ground)} background".strip()


def mistaken(seen: Sight, _prompt: str, rng: Random) -> str:
    """The form is taken for another one."""
    form = rng.choice([form for form in _FORMS if form != seen.form])
    return f"a close up of {_a(seen.colour)} {form}"


def form_only(seen: Sight, _prompt: str, _rng: Random) -> str:
    """Without a colour."""
    return f"a close up of a {seen.form} shaped object"


def talkative(seen: Sight, _prompt: str, _rng: Random) -> str:
    """As models do that talk."""
    return (
        f"The image features {_a(seen.colour)} {seen.form} placed on a solid {seen.ground} "
        f"background. The {seen.form} is the main focus of the image, and its {seen.colour} color "
        "stands out against the backdrop.\n\nThere are no other objects, people or text in the "
        "picture. The composition is simple and minimalistic, with clean edges and a flat, "
        "graphic style that could be used as an icon or a logo."
    )


def shouted(seen: Sight, _prompt: str, _rng: Random) -> str:
    """In capitals and markdown."""
    return f"**{seen.colour.upper()} {seen.form.upper()}** — *{seen.ground.capitalize()}*"


def wrong_colours(seen: Sight, _prompt: str, rng: Random) -> str:
    """The form is right, what else is told is made up."""
    first, second = rng.sample(
        [one for one in _COLOURS if one not in (seen.colour, seen.ground)], 2
    )
    return f"{_a(first)} {seen.form} on {_a(second)} background"


def unrelated(seen: Sight, prompt: str, rng: Random) -> str:
    """An honest caption of another picture, which has nothing in common with this one."""
    first, second = rng.sample(
        [one for one in _COLOURS if one not in (seen.colour, seen.ground)], 2
    )
    form = rng.choice([form for form in _FORMS if form != seen.form])
    return plain(Sight(first, form, second), prompt, rng)


def ground_only(seen: Sight, _prompt: str, _rng: Random) -> str:
    """The colour that a single pixel of the edge tells."""
    return f"{_a(seen.ground)} background"


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _honest(writer: Writer) -> Callable[[Job, Random], Product]:
    def make(job: Job, rng: Random) -> Product:
        seen = _seen(job)
        return _caption(_NOTHING if seen is None else writer(seen, _prompt(job), rng))

    return make


def _lie(writer: Writer) -> Lie:
    return Lie(_honest(writer), Outcome.WRONG_ANSWER)


def _always(text: str) -> Lie:
    return Lie(lambda _job, _rng: _caption(text), Outcome.WRONG_ANSWER)


def _echo(job: Job, _rng: Random) -> Product:
    return _caption(_prompt(job) or _SCENE)


def _garbage(_job: Job, rng: Random) -> Product:
    return _caption(" ".join("".join(rng.choices(_GARBAGE, k=rng.randint(2, 9))) for _ in range(9)))


def _endless(job: Job, rng: Random) -> Product:
    """A true caption, over and over."""
    seen = _seen(job)
    text = _NOTHING if seen is None else plain(seen, "", rng)
    return _caption(" ".join([text] * 5000))


def _seen(job: Job) -> Sight | None:
    image = job.files.get("image")
    if image is None:
        raise BadInput("image: field required")
    return look(image)


def _prompt(job: Job) -> str:
    return str(job.fields.get("prompt") or "")


def _caption(text: str) -> Product:
    return Product({"text": text})


CRAFT: Final = Craft(
    pipeline="image-to-text",
    honest={
        name: _honest(writer)
        for name, writer in {
            "plain": plain,
            "there-is": there_is,
            "arafed": arafed,
            "other-words": other_words,
            "colours-only": colours_only,
            "form-only": form_only,
            "mistaken": mistaken,
            "talkative": talkative,
            "shouted": shouted,
        }.items()
    },
    lies={
        "empty": Lie(lambda _job, _rng: _caption(" \n"), Outcome.INVALID_RESPONSE),
        "constant": _always(_SCENE),
        "everything": _always(" ".join((*_COLOURS, *_FORMS))),
        "all-colours": _always("a picture in " + " and ".join(_COLOURS)),
        "all-forms": _always("a " + " or a ".join(_FORMS)),
        "unrelated": _lie(unrelated),
        "wrong-colours": _lie(wrong_colours),
        "ground-only": _lie(ground_only),
        "echo": Lie(_echo, Outcome.WRONG_ANSWER),
        "garbage": Lie(_garbage, Outcome.WRONG_ANSWER),
        "endless": Lie(_endless, Outcome.WRONG_ANSWER),
    },
    # A caption of an earlier picture with a red star is true of the next one with a red star.
    replayed=None,
)
"""Honest ones name too little, take a form for another or see a border; who lies does not look, or
only at the edge."""
