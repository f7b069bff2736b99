"""The session pools of a gateway: with whom it works, as its CLI port tells.

The body of `GET /getAISessionPoolsInfo` has one entry for each capability and model that the
gateway was asked for. A pinned lane must have its one orchestrator in them, or nobody.
"""

import msgspec

from exporter.normal_url import normal_url

BODY_LIMIT = 1_000_000
"""Bytes of a body that is read; a longer one counts as unreadable."""
SHOWN = 20
"""How many other URLs, and how many characters of each times ten, are given back."""


class PinCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a gateway works with the one orchestrator that it is pinned to."""

    readable: bool
    """Whether the body was an answer at all; if not, the rest says nothing."""
    others: tuple[str, ...] = ()
    """URLs in any pool, warm, cold or suspended, that are not the pinned one, as given."""
    seen: bool = False
    """Whether the pinned one stands in a warm or cold pool."""
    suspended: bool = False
    """Whether the pinned one is listed as suspended in any pool."""
    suspended_for: tuple[tuple[int, str], ...] = ()
    """Capability id and model of the pools that list it as suspended.

    It stays listed after its penalty has run out, until the gateway refreshes the pool.
    """

    def is_suspended_for(self, capability: int, model: str) -> bool:
        """Whether the pinned one is listed as suspended for this capability and model."""
        return (capability, model) in self.suspended_for


class _Session(msgspec.Struct):
    url: str = ""


class _Sessions(msgspec.Struct):
    orchestrators: list[_Session] | None = None


class _Suspended(msgspec.Struct):
    list: dict[str, int] | None = None


class _Pool(msgspec.Struct):
    warm: _Sessions | None = None
    cold: _Sessions | None = None
    suspended: _Suspended | None = None


_decoder = msgspec.json.Decoder(dict[str, _Pool])


def check_pin(body: bytes, *, pinned: str, only: tuple[int, str] | None = None) -> PinCheck:
    """Compare the pools with the URL that the gateway is pinned to. Never raises.

    With `only`, a capability id and a model, the pools of others are left aside: what they hold
    says nothing about a job for that model.

    Empty pools, or only the pinned one in them, are fine: an orchestrator that failed leaves its
    pool, and before the first job there is none.
    """
    if len(body) > BODY_LIMIT:
        return PinCheck(readable=False)
    try:
        pools = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return PinCheck(readable=False)
    meant = normal_url(pinned)
    others: dict[str, str] = {}
    seen, suspended = False, False
    suspended_for: list[tuple[int, str]] = []
    for key, pool in pools.items():
        if only is not None and key != f"{only[0]}_{only[1]}":
            continue
        working = {normal_url(url): url for url in _working(pool)}
        listed = {normal_url(url): url for url in _suspended(pool)}
        seen = seen or meant in working
        suspended = suspended or meant in listed
        target = _capability_and_model(key)
        if meant in listed and target is not None:
            suspended_for.append(target)
        others |= working | listed
    others.pop(meant, None)
    return PinCheck(
        readable=True,
        others=tuple(_shown(url) for url in list(others.values())[:SHOWN]),
        seen=seen,
        suspended=suspended,
        suspended_for=tuple(suspended_for),
    )


def _working(pool: _Pool) -> list[str]:
    sessions = (pool.warm, pool.cold)
    return [one.url for some in sessions if some for one in some.orchestrators or ()]


def _suspended(pool: _Pool) -> list[str]:
    return list((pool.suspended.list if pool.suspended else None) or ())


def _capability_and_model(key: str) -> tuple[int, str] | None:
    capability, separator, model = key.partition("_")
    if not separator or not capability.isdecimal() or len(capability) > 9:  # noqa: PLR2004
        return None
    return int(capability), model


def _shown(url: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in url[: SHOWN * 10])
