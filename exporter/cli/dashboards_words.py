"""What options of `dashboards` may hold: words that Grafana can put into what it asks."""

import re
from typing import Final

import click

_UID: Final = re.compile(r"[\w.:-]{1,40}", re.ASCII)
_BUCKET: Final = re.compile(r'[^"\\$\x00-\x1f]+')


class Uid(click.ParamType[str]):
    """The uid of a data source: at most 40 characters, as Grafana takes them."""

    name = "uid"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The uid."""
        if _UID.fullmatch(value) is None:
            expected = "1 to 40 letters, digits and - _ . : (what stands behind /edit/)"
            self.fail(f"{value!r}: expected {expected}", param, ctx)
        return value


class Bucket(click.ParamType[str]):
    """The name of a bucket, which Grafana puts between quotes into each Flux as it is."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        if _BUCKET.fullmatch(value) is None:
            self.fail(f'{value!r}: expected a name without ", \\ and $', param, ctx)
        return value
