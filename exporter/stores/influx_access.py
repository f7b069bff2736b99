"""What the settings' tokens may do, found out without writing anything and without an operator."""

from enum import Enum
from typing import NamedTuple

import httpx
from pydantic import SecretStr

from exporter.settings.serving import Influx
from exporter.stores.influx_errors import explain, no_org, refusal
from exporter.stores.influx_server import identify
from exporter.stores.influx_talk import CannotTrustError, Reply, Talk, talk_to
from exporter.stores.influx_tasks import flux_string


class Standing(Enum):
    """How a token stands to a bucket, as the server's answer to an empty write tells."""

    MAY_WRITE = "may write"
    MAY_NOT_WRITE = "may not write"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"
    NO_ORG = "no such organisation"
    NO_BUCKET = "no such bucket"
    UNCLEAR = "unclear"


class Probed(NamedTuple):
    """What a token was told; `said` is the sentence for what is unclear."""

    standing: Standing
    said: str = ""


_ANSWERS_TO_AN_EMPTY_WRITE = (
    (httpx.codes.NO_CONTENT, "", Standing.MAY_WRITE),
    (httpx.codes.BAD_REQUEST, "writing requires points", Standing.MAY_WRITE),
    (httpx.codes.UNAUTHORIZED, "", Standing.UNKNOWN),
    (httpx.codes.FORBIDDEN, "inactive", Standing.INACTIVE),
    (httpx.codes.FORBIDDEN, "", Standing.MAY_NOT_WRITE),
    (httpx.codes.NOT_FOUND, "organization", Standing.NO_ORG),
    (httpx.codes.NOT_FOUND, "bucket", Standing.NO_BUCKET),
)
"""Status, what the message has in it, and what that means; the first that fits. The server looks
for the organisation, then the bucket, then the permission, and only then at the body, of which old
ones (2.0) want more."""


async def trouble(influx: Influx) -> list[str]:
    """Find out why measurements could not be stored, or questions not be answered. Never raises.

    Each sentence says what to do. Nothing is written: a body without a line is enough for the
    server to check the permission.
    """
    answer = await identify(influx)
    if not answer.usable:
        return [answer.said]
    try:
        async with talk_to(influx) as talk:
            return await _trouble(influx, talk)
    except (httpx.HTTPError, OSError) as error:
        return [explain(error, influx)]


async def standing(influx: Influx, token: SecretStr, bucket: str) -> Probed:
    """Find out how a token stands to a bucket, with a write that has no line. Never raises."""
    try:
        async with talk_to(influx) as talk:
            return await _standing(influx, talk, token, bucket)
    except (httpx.HTTPError, OSError, CannotTrustError) as error:
        return Probed(Standing.UNCLEAR, explain(error, influx))


async def may_read(influx: Influx, token: SecretStr, bucket: str) -> bool:
    """Whether a query with this token finds the bucket. Never raises: who cannot ask, may not."""
    try:
        async with talk_to(influx) as talk:
            return await _read(influx, talk, token, bucket) is None
    except (httpx.HTTPError, OSError, CannotTrustError):
        return False


async def retention_of(influx: Influx, token: SecretStr, bucket: str) -> int | None:
    """For how many seconds a bucket keeps what it gets; `None`: not to be seen. Never raises."""
    try:
        async with talk_to(influx) as talk:
            asked = {"org": influx.org, "name": bucket}
            reply = await talk.ask("GET", "/api/v2/buckets", token=token, params=asked)
    except (httpx.HTTPError, OSError, CannotTrustError):
        return None
    try:
        (found,) = reply.document["buckets"]
        return max((int(rule["everySeconds"]) for rule in found["retentionRules"]), default=0)
    except (KeyError, TypeError, ValueError):
        return None


async def sees_tokens(influx: Influx, token: SecretStr) -> bool:
    """Whether a token may list tokens, as an operator's or all-access token. Never raises."""
    try:
        async with talk_to(influx) as talk:
            asked = {"org": influx.org, "limit": "1"}
            reply = await talk.ask("GET", "/api/v2/authorizations", token=token, params=asked)
    except (httpx.HTTPError, OSError, CannotTrustError):
        return False
    # A long list is cut off by the limit and is no JSON any more; none of it is shown.
    return reply.status == httpx.codes.OK and b'"permissions"' in reply.body


async def _trouble(influx: Influx, talk: Talk) -> list[str]:
    if influx.token is None:
        return [
            "store.influxdb.token: there is none; `livepeer-exporter influx setup` makes tokens"
        ]
    found = [await _writing(influx, talk, "token", influx.token, influx.bucket)]
    found += await _reading(influx, talk)
    found += await _rolling_up(influx, talk)
    return list(dict.fromkeys(text for text in found if text is not None))


async def _writing(
    influx: Influx, talk: Talk, key: str, token: SecretStr, bucket: str
) -> str | None:
    probed = await _standing(influx, talk, token, bucket)
    if probed.standing is Standing.MAY_WRITE:
        return None
    if probed.standing is Standing.MAY_NOT_WRITE:
        return (
            f"store.influxdb.{key}: it may not write the bucket {bucket!r}; "
            "`livepeer-exporter influx setup` makes one that may"
        )
    return told(influx, key, probed, bucket)


async def _reading(influx: Influx, talk: Talk) -> list[str | None]:
    key, token = "read_token", influx.read_token
    if token is None:
        key, token = "token", influx.token
    if token is None:
        return []
    buckets = [influx.bucket] + ([influx.rollup_bucket] if influx.rollup_bucket else [])
    return [await _reading_of(influx, talk, key, token, bucket) for bucket in buckets]


async def _rolling_up(influx: Influx, talk: Talk) -> list[str | None]:
    token, rollup = influx.rollup_token, influx.rollup_bucket
    if token is None or rollup is None:
        return []
    return [
        await _writing(influx, talk, "rollup_token", token, influx.bucket),
        await _writing(influx, talk, "rollup_token", token, rollup),
        await _reading_of(influx, talk, "rollup_token", token, influx.bucket),
        await _reading_of(influx, talk, "rollup_token", token, rollup),
    ]


async def _reading_of(
    influx: Influx, talk: Talk, key: str, token: SecretStr, bucket: str
) -> str | None:
    # A query cannot tell a bucket that is missing from one that is hidden, and takes an inactive
    # token for one without permissions; a write tells them apart.
    probed = await _standing(influx, talk, token, bucket)
    if probed.standing not in (Standing.MAY_WRITE, Standing.MAY_NOT_WRITE):
        return told(influx, key, probed, bucket)
    refused = await _read(influx, talk, token, bucket)
    if refused is None:
        return None
    if refused.status == httpx.codes.NOT_FOUND:
        makes = "`livepeer-exporter influx setup` makes one that may"
        if key == "token":
            makes += ", to be named with `read_token_file`"
        return f"store.influxdb.{key}: it may not read the bucket {bucket!r}; {makes}"
    return _refused(refused, influx)


async def _read(influx: Influx, talk: Talk, token: SecretStr, bucket: str) -> Reply | None:
    """Put a question that finds nothing to the bucket; the answer, if it was a refusal."""
    flux = f"from(bucket: {flux_string(bucket)}) |> range(start: -1s) |> limit(n: 1)"
    reply = await talk.ask(
        "POST",
        "/api/v2/query",
        token=token,
        params={"org": influx.org},
        json_body={"query": flux, "type": "flux"},
    )
    return None if reply.status == httpx.codes.OK else reply


async def _standing(influx: Influx, talk: Talk, token: SecretStr, bucket: str) -> Probed:
    asked = {"org": influx.org, "bucket": bucket, "precision": "ns"}
    reply = await talk.ask("POST", "/api/v2/write", token=token, params=asked)
    for status, words, found in _ANSWERS_TO_AN_EMPTY_WRITE:
        if reply.status == status and words in reply.message:
            return Probed(found)
    return Probed(Standing.UNCLEAR, _refused(reply, influx))


def _refused(reply: Reply, influx: Influx) -> str:
    wait = reply.headers.get("Retry-After")
    return refusal(reply.status, reply.message, influx, wait=wait)


def told(influx: Influx, key: str, probed: Probed, bucket: str) -> str:
    """Say in one sentence what is wrong with a token of the settings or with what it is for."""
    match probed.standing:
        case Standing.UNKNOWN:
            return (
                f"store.influxdb.{key}: InfluxDB does not know this token: it is mistyped, of "
                "another server or revoked; `livepeer-exporter influx setup --new-tokens` makes "
                "new ones"
            )
        case Standing.INACTIVE:
            return (
                f"store.influxdb.{key}: the token, or the user that it belongs to, is inactive: "
                "activate it, or run `livepeer-exporter influx setup`"
            )
        case Standing.NO_ORG:
            return no_org(influx)
        case Standing.NO_BUCKET:
            return (
                f"InfluxDB has no bucket {bucket!r} in the organisation {influx.org!r}: "
                "`livepeer-exporter influx setup` makes it"
            )
        case _:
            return f"store.influxdb.{key}: {probed.said}"
