"""The station's numbers about itself, and their families."""

from collections.abc import Iterator, Mapping

import msgspec
from prometheus_client.core import Metric as Family

from exporter.delivery.families import counter, gauge, info
from exporter.delivery.followed_numbers import FollowedNumbers, followed_families
from exporter.delivery.post_stats.consumer import Posted
from exporter.delivery.store_writer import CONSUMER as STORE
from exporter.outbox import Losses


class ConsumerNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How one consumer is doing."""

    name: str
    position: int
    lag: int | None
    """Measurements in the outbox that it does not have yet; `None` if the outbox cannot be read."""
    delivered: int
    errors: int
    problem: str | None = None
    """What goes wrong; `None` if nothing does."""
    posted: Posted | msgspec.UnsetType = msgspec.UNSET
    """What came of results, for a leaderboard that they are posted to."""


class OutboxNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How the outbox is doing."""

    last: int
    """The highest sequence number."""
    bytes: int
    losses: Losses
    dead_letters: dict[str, int]
    """By consumer, without those who have none."""


class StationNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """What the station knows about itself."""

    version: str
    settings_digest: str
    """Changes with the settings in use."""
    outbox: OutboxNumbers | None
    """`None` if it cannot be read."""
    consumers: tuple[ConsumerNumbers, ...]
    refused_targets: int
    refused_reported: int
    """Likewise of the targets that others report about."""
    loop_lag: float
    """Longest lateness of the event loop in the last minute, seconds."""
    prepared_age: float | None
    """Seconds since the leaderboard's answers were prepared; `None` if they never were."""
    posts: Mapping[tuple[str, str], int]
    """Posts to the leaderboard API by tester and what came of them."""
    refused_answers: Mapping[str, int]
    """Questions to the leaderboard API that were not answered, by the reason."""
    followed: tuple[FollowedNumbers, ...] = ()


def station_families(numbers: StationNumbers, *, targets: int, reported: int) -> Iterator[Family]:
    """The families about the station."""
    build = info("livepeer_ai_tester_build_info")
    build.add_metric((), {"version": numbers.version})
    yield build
    settings = info("livepeer_ai_tester_settings_info")
    settings.add_metric((), {"digest": numbers.settings_digest})
    yield settings
    yield _single("livepeer_ai_tester_targets", targets)
    yield _total("livepeer_ai_tester_targets_refused_total", numbers.refused_targets)
    yield _single("livepeer_ai_tester_reported_targets", reported)
    yield _total("livepeer_ai_tester_reported_targets_refused_total", numbers.refused_reported)
    if numbers.outbox is not None:
        yield from _outbox(numbers.outbox)
    for consumer in numbers.consumers:
        if consumer.name == STORE and consumer.lag is not None:
            yield _single("livepeer_ai_tester_outbox_pending", consumer.lag)
    yield from _consumers(numbers.consumers)
    yield _single("livepeer_ai_tester_station_loop_lag_seconds", numbers.loop_lag)
    yield from _leaderboard(numbers)
    yield from followed_families(numbers.followed)


def _outbox(outbox: OutboxNumbers) -> Iterator[Family]:
    yield _single("livepeer_ai_tester_outbox_bytes", outbox.bytes)
    yield _total("livepeer_ai_tester_outbox_dropped_total", outbox.losses.measurements)
    letters = gauge("livepeer_ai_tester_dead_letters")
    for consumer, count in {STORE: 0, **outbox.dead_letters}.items():
        letters.add_metric((consumer,), count)
    yield letters
    yield _total("livepeer_ai_tester_dead_letters_dropped_total", outbox.losses.dead_letters)


def _leaderboard(numbers: StationNumbers) -> Iterator[Family]:
    age = gauge("livepeer_ai_tester_leaderboard_age_seconds")
    if numbers.prepared_age is not None:
        age.add_metric((), numbers.prepared_age)
    posts = counter("livepeer_ai_tester_leaderboard_posts_total")
    for labels, count in sorted(numbers.posts.items()):
        posts.add_metric(labels, count)
    refused = counter("livepeer_ai_tester_leaderboard_refused_total")
    for reason, count in sorted(numbers.refused_answers.items()):
        refused.add_metric((reason,), count)
    yield from (age, posts, refused)


def _single(name: str, value: float) -> Family:
    family = gauge(name)
    family.add_metric((), value)
    return family


def _total(name: str, value: float) -> Family:
    family = counter(name)
    family.add_metric((), value)
    return family


def _consumers(consumers: tuple[ConsumerNumbers, ...]) -> Iterator[Family]:
    lag = gauge("livepeer_ai_tester_consumer_lag")
    delivered = counter("livepeer_ai_tester_consumer_delivered_total")
    errors = counter("livepeer_ai_tester_consumer_errors_total")
    up = gauge("livepeer_ai_tester_consumer_up")
    for consumer in consumers:
        labels = (consumer.name,)
        if consumer.lag is not None:
            lag.add_metric(labels, consumer.lag)
        delivered.add_metric(labels, consumer.delivered)
        errors.add_metric(labels, consumer.errors)
        up.add_metric(labels, 1 if consumer.problem is None else 0)
    yield from (lag, delivered, errors, up)
    yield from _posted(consumers)


def _posted(consumers: tuple[ConsumerNumbers, ...]) -> Iterator[Family]:
    results = counter("livepeer_ai_tester_posted_results_total")
    for consumer in consumers:
        if isinstance(consumer.posted, Posted):
            for result, count in msgspec.structs.asdict(consumer.posted).items():
                results.add_metric((consumer.name, result), count)
    if results.samples:
        yield results
