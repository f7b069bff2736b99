"""Who lives in the simulated network: addresses, names, models, prices and hardware, by seed."""

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Final

import msgspec

from exporter.model import Target
from exporter.simulation.names import draw_name

TEXT_TO_IMAGE: Final = "text-to-image"
LLM: Final = "llm"


class Profile(StrEnum):
    """What an orchestrator is like; `exporter.simulation.profiles` says what that means."""

    FAST = "fast"
    SLOW = "slow"
    COLD = "cold"
    FLAKY = "flaky"
    BUSY = "busy"
    DEAD = "dead"
    HANGING = "hanging"
    TRUNCATING = "truncating"
    LYING = "lying"
    DEAR = "dear"
    UNPAYABLE = "unpayable"
    MISREPORTING = "misreporting"
    LEAKING = "leaking"


DEFAULT_MIX: Final = (
    Profile.FAST,
    Profile.SLOW,
    Profile.FLAKY,
    Profile.FAST,
    Profile.DEAD,
    Profile.BUSY,
    Profile.SLOW,
    Profile.HANGING,
    Profile.LYING,
    Profile.COLD,
    Profile.TRUNCATING,
    Profile.FAST,
)
"""Twelve profiles, each at least once; every third one is a good match for a pinned gateway."""

MANAGED_MIX: Final = (
    Profile.FAST,
    Profile.FLAKY,
    Profile.DEAD,
    Profile.BUSY,
    Profile.DEAR,
    Profile.HANGING,
    Profile.UNPAYABLE,
    Profile.LYING,
    Profile.MISREPORTING,
    Profile.COLD,
    Profile.LEAKING,
    Profile.TRUNCATING,
    Profile.SLOW,
)
"""Every profile once, those included that only a gateway shows."""

PRICE_LIMIT: Final = 100_000_000
"""Wei per unit: everyone's prices are below it, those of a dear one above."""
_DEAR: Final = 1000

_PICTURE_MODELS: Final = (
    "ByteDance/SDXL-Lightning",
    "SG161222/RealVisXL_V4.0_Lightning",
    "black-forest-labs/FLUX.1-schnell",
)
_LANGUAGE_MODELS: Final = (
    "meta-llama/Meta-Llama-3.1-8B-Instruct",
    "Qwen/Qwen2.5-14B-Instruct-AWQ",
    "glm-4.7-flash",
)
_VERSIONS: Final = ("0.9.1", "0.9.0", "0.8.10", "0.8.9")
_RUNNER_VERSIONS: Final = ("0.14.1", "0.14.0", None)


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU: name, compute capability, memory in bytes."""

    id: str
    name: str
    major: int
    minor: int
    memory_total: int
    memory_free: int


_CARDS: Final = (
    ("NVIDIA GeForce RTX 4090", 8, 9, 25_757_220_864),
    ("NVIDIA GeForce RTX 5090", 12, 0, 34_190_917_632),
    ("NVIDIA GeForce RTX 3090", 8, 6, 25_438_126_080),
    ("NVIDIA L40S", 8, 9, 48_305_799_168),
)


class ServedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that an orchestrator really runs."""

    pipeline: str
    """URI form."""
    model: str
    warm: bool
    capacity: int
    price: int
    """Wei per unit."""
    runner_version: str | None = None
    card: Card | None = None
    seconds: tuple[float, float] | None = None
    """Shortest and longest job once it is loaded; `None`: as its orchestrator's profile says."""
    way: str | None = None
    """How its honest answers are made, see `exporter.simulation.craft`; `None`: in the first way
    of its pipeline."""
    lie: str | None = None
    """What it answers instead, where its orchestrator's profile is not all there is to say."""


class OfferedOnly(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands in the advert and has no route."""

    capability: int
    model: str
    capacity: int
    in_use: int
    price: int


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One orchestrator of the simulated network."""

    number: int
    """From 1."""
    name: str
    address: str
    """Lower-case."""
    local_address: str
    """The node's own key, lower-case; differs from `address` for about half."""
    profile: Profile
    version: str
    models: tuple[ServedModel, ...]
    offered: tuple[OfferedOnly, ...]
    stake: int
    """Delegated stake, wei."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """What can be tested here."""
        return tuple(Target(self.address, model.pipeline, model.model) for model in self.models)


def populate(count: int, seed: int, profiles: Sequence[Profile] | None = None) -> list[Member]:
    """Draw `count` members; each depends on the seed, its number and its profile alone.

    `profiles` is repeated as often as needed; without it `DEFAULT_MIX` is.
    Raises `ValueError` for a count below 1 or an empty list of profiles.
    """
    mix = DEFAULT_MIX if profiles is None else tuple(profiles)
    if count < 1 or not mix:
        raise ValueError("a simulated network needs at least one orchestrator and one profile")
    return [_member(number, seed, mix[(number - 1) % len(mix)]) for number in range(1, count + 1)]


def _member(number: int, seed: int, profile: Profile) -> Member:
    rng = Random(f"{seed}/member/{number}")  # noqa: S311 - a simulation wants repeatable draws
    address = _address(rng)
    local = address if rng.random() < 0.5 else _address(rng)  # noqa: PLR2004 - one in two
    return Member(
        number=number,
        name=draw_name(rng, number),
        address=address,
        local_address=local,
        profile=profile,
        version=rng.choice(_VERSIONS),
        models=_models(rng, profile),
        offered=_offered(number),
        stake=rng.randrange(10**21, 10**24),
    )


def _address(rng: Random) -> str:
    return "0x" + rng.randbytes(20).hex()


def _models(rng: Random, profile: Profile) -> tuple[ServedModel, ...]:
    pictures = rng.sample(_PICTURE_MODELS, 2)
    language = rng.sample(_LANGUAGE_MODELS, 2)
    plans = [
        [(TEXT_TO_IMAGE, pictures[0], True), (LLM, language[0], True), (LLM, language[1], False)],
        [(TEXT_TO_IMAGE, pictures[0], True), (LLM, language[0], False)],
        [(TEXT_TO_IMAGE, pictures[0], False), (LLM, language[0], True)],
        [
            (TEXT_TO_IMAGE, pictures[0], True),
            (LLM, language[0], True),
            (TEXT_TO_IMAGE, pictures[1], False),
        ],
    ]
    if profile is Profile.LYING:
        plan = plans[-1]  # One picture model of each temperature: both of its lies are seen.
    elif profile is Profile.LEAKING:
        plan = plans[0]  # A warm picture model, which stays so in the advert.
    else:
        plan = rng.choice(plans)
    models = [
        _model(rng, pipeline, model, warm=warm and profile is not Profile.COLD)
        for pipeline, model, warm in plan
    ]
    if profile is Profile.DEAR:
        models = [msgspec.structs.replace(model, price=model.price * _DEAR) for model in models]
    if profile is Profile.LEAKING:  # One leak is the end of it.
        models = [msgspec.structs.replace(model, capacity=1) for model in models]
    return tuple(models)


def _model(rng: Random, pipeline: str, model: str, *, warm: bool) -> ServedModel:
    dearest = 5_000_000 if pipeline == TEXT_TO_IMAGE else 80_000_000
    name, major, minor, memory = rng.choice(_CARDS)
    card = Card(
        id=f"GPU-{rng.randbytes(4).hex()}",
        name=name,
        major=major,
        minor=minor,
        memory_total=memory,
        memory_free=rng.randrange(memory // 8, memory),
    )
    return ServedModel(
        pipeline=pipeline,
        model=model,
        warm=warm,
        capacity=rng.randint(1, 4),
        price=rng.randrange(dearest // 4, dearest),
        runner_version=rng.choice(_RUNNER_VERSIONS),
        card=card,
    )


def _offered(number: int) -> tuple[OfferedOnly, ...]:
    """Every fourth member offers live video, every fifth BYOC, every sixth something unknown."""
    found: list[OfferedOnly] = []
    if number % 4 == 0:
        found.append(_advert(35, "streamdiffusion-sdxl", capacity=1, in_use=1, price=2287))
    if number % 5 == 0:
        found.append(_advert(37, "openai-chat-completions", capacity=2, in_use=0, price=2500))
    if number % 6 == 0:
        found.append(_advert(99, "example/of-the-future", capacity=1, in_use=0, price=1))
    return tuple(found)


def _advert(capability: int, model: str, *, capacity: int, in_use: int, price: int) -> OfferedOnly:
    return OfferedOnly(
        capability=capability, model=model, capacity=capacity, in_use=in_use, price=price
    )
