"""Where simulated servers keep the media that they serve, for a while and up to a bound."""

import time
from collections import OrderedDict
from collections.abc import Callable
from random import Random
from typing import Final

SHELF_BYTES: Final = 96 * 2**20
KEPT_SECONDS: Final = 600.0


class Item:
    """One media file: its bytes, and how many of them are really sent."""

    __slots__ = ("data", "expires", "sent")

    def __init__(self, data: bytes, sent: int, expires: float) -> None:
        self.data = data
        self.sent = sent
        self.expires = expires


class Shelf:
    """Media of all servers of a network by (owner, path); the oldest go when it is full."""

    def __init__(
        self,
        rng: Random,
        *,
        max_bytes: int = SHELF_BYTES,
        kept_seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rng = rng
        self._max_bytes = max_bytes
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._items: OrderedDict[tuple[str, str], Item] = OrderedDict()
        self.size = 0
        """Bytes kept."""

    def put(
        self,
        owner: str,
        data: bytes,
        *,
        sent_share: float = 1.0,
        request_id: str | None = None,
        suffix: str = "png",
    ) -> str:
        """Keep a file and give its path, `/stream/<8 hex>/<8 hex>.png`."""
        path = f"/stream/{request_id or self._hex()}/{self._hex()}.{suffix}"
        self.put_at(owner, path, data, sent_share=sent_share)
        return path

    def put_at(self, owner: str, path: str, data: bytes, *, sent_share: float = 1.0) -> None:
        """Keep a file under a path that is given, in the place of another one there."""
        expires = self._clock() + self._kept_seconds
        old = self._items.pop((owner, path), None)
        self.size -= len(old.data) if old is not None else 0
        self._items[owner, path] = Item(data, int(len(data) * sent_share), expires)
        self.size += len(data)
        self._clear()

    def get(self, owner: str, path: str) -> Item | None:
        """The media of that owner at that path, or `None`."""
        self._clear()
        return self._items.get((owner, path))

    def new_id(self) -> str:
        """Eight hexadecimal digits for a request."""
        return self._hex()

    def _hex(self) -> str:
        return self._rng.randbytes(4).hex()

    def _clear(self) -> None:
        now = self._clock()
        while self._items:
            key, item = next(iter(self._items.items()))
            if self.size <= self._max_bytes and item.expires > now:
                return
            del self._items[key]
            self.size -= len(item.data)
