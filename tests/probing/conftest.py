"""Fixtures of the prober's tests."""

from collections.abc import Iterator

import pytest

from exporter.probing.resolve import Resolver
from exporter.probing.transport import warm_up
from tests.probing.kit import LIMITS, Kit


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    made = Resolver()
    yield made
    made.close()


@pytest.fixture
async def kit(resolver: Resolver) -> Kit:
    await warm_up()
    return Kit(resolver, LIMITS)
