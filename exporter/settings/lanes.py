"""The ways to reach orchestrators."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from exporter.settings.types import (
    HttpUrl,
    Identity,
    Noun,
    Section,
    ShortName,
    Token,
    mistake_at,
    once,
)

_OURS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    }
)


def _header_name(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", text):
        raise ValueError("expected the name of an HTTP header, such as X-Api-Key")
    if text.lower() == "authorization":
        raise ValueError("expected another header: a bearer token goes into `token`")
    if text.lower() in _OURS:
        raise ValueError("expected another header: this one is set for each job")
    return text


def _header_value(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]([ -~]{0,8190}[!-~])?", value.get_secret_value()):
        raise ValueError("expected 1 to 8192 visible ASCII characters, no space at either end")
    return value


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError(
            "expected a SHA-256 fingerprint: 64 hexadecimal digits, colons between them or not"
        )
    return digits


Fingerprint = Annotated[str, Noun("SHA-256 fingerprint"), AfterValidator(_fingerprint)]


class LaneTls(Section):
    """What an endpoint's certificate must be; orchestrators sign theirs themselves."""

    verify: bool = Field(
        default=False,
        description="Whether the certificate must be signed by an authority that this machine (or "
        "`ca`) trusts, for this host name.",
    )
    ca: Path | None = Field(
        default=None, description="PEM file of authorities to trust instead; needs `verify`."
    )
    fingerprint: Fingerprint | None = Field(
        default=None,
        description="SHA-256 of the one certificate (DER) that is accepted, in hexadecimal digits.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ca is not None and not self.verify:
            raise mistake_at("expected `verify: true` beside it, or no `ca`", "ca")
        return self


class Header(Section):
    """One more header of every request to a lane's gateway or endpoint."""

    name: Annotated[str, Noun("header name"), AfterValidator(_header_name)] = Field(
        description="Name, such as `X-Api-Key`."
    )
    value: Annotated[SecretStr, AfterValidator(_header_value)] = Field(
        description="Value; better given as `value_file`."
    )


def _header(header: Header) -> tuple[object, ...]:
    return (header.name.lower(),)


class Lane(Section):
    """One way to reach orchestrators."""

    kind: Literal["direct", "pinned", "managed", "webhook"] = Field(
        description="`direct`: the endpoint is spoken to directly. `pinned`: a gateway that "
        "someone runs pinned to this one orchestrator. `managed`: gateways that this program "
        "starts and pins itself (see `livepeer`). `webhook`: a modified gateway that asks this "
        "program for the orchestrator of each job."
    )
    orchestrator: Identity | None = Field(
        default=None,
        description="Whom the lane serves. Required for `pinned`; elsewhere it may be left out: "
        "the lane then serves everyone who has no lane of his own.",
    )
    url: HttpUrl | None = Field(
        default=None,
        description="Base URL that jobs are sent to; required for `pinned` and `webhook`. A "
        "`direct` lane without one uses the service URI, `managed` lanes know theirs.",
    )
    cli_url: HttpUrl | None = Field(
        default=None,
        description="Base URL of the gateway's CLI port (`pinned` and `webhook`): its session "
        "pools then prove which orchestrator did a job. Without it that is the gateway's word.",
    )
    name: ShortName | None = Field(
        default=None,
        description="Name of a `webhook` lane: its gateway's `-orchWebhookUrl` is "
        "`http://PROBE/lanes/NAME/orchestrators`, where PROBE is `probe.listen`.",
    )
    token: Token | None = Field(
        default=None,
        description="Bearer token sent with each job; better given as `token_file`.",
    )
    headers: Annotated[list[Header], once("name", _header)] = Field(
        default=[], max_length=20, description="More headers sent with each job."
    )
    tls: LaneTls = Field(default=LaneTls(), description="What the endpoint's certificate must be.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "managed":
            self._without("url", "cli_url", "name", "token", "headers", "tls")
            return self
        if self.kind != "webhook":
            self._without("name")
        if self.kind == "direct":
            self._without("cli_url")
        if self.kind in ("pinned", "webhook") and self.url is None:
            raise mistake_at(f"required: a {self.kind} lane needs the URL of its gateway", "url")
        if self.kind == "pinned" and self.orchestrator is None:
            raise mistake_at("required: whom is the gateway pinned to?", "orchestrator")
        if self.kind == "webhook" and self.name is None:
            raise mistake_at("required: a webhook lane needs a name of its own", "name")
        if self.kind == "direct" and self.url is not None and self.orchestrator is None:
            raise mistake_at("required: whom does the lane's `url` reach?", "orchestrator")
        asks = self.tls.verify or self.tls.fingerprint is not None
        if asks and self.url is not None and not self.url.lower().startswith("https://"):
            raise mistake_at("expected no `tls` for an http `url`: it has no certificate", "tls")
        return self

    def _without(self, *keys: str) -> None:
        for key in keys:
            if key in self.model_fields_set and getattr(self, key):
                raise mistake_at(f"expected no `{key}` for a {self.kind} lane", key)


def each_apart(lanes: list[Lane]) -> list[Lane]:
    """Refuse two ways to the same orchestrator, unless both are webhook gateways of their own."""
    first: dict[str | None, int] = {}
    for index, lane in enumerate(lanes):
        before = first.setdefault(lane.orchestrator, index)
        other = lanes[before]
        if before == index or (lane.kind == other.kind == "webhook"):
            continue
        if lane.kind != other.kind:
            whom = "everyone" if lane.orchestrator is None else "the same orchestrator"
            message = f"expected lanes of one kind for {whom}, but entry [{before}] is another"
            raise mistake_at(message, index, "kind")
        message = f"expected each once, but entry [{before}] of the list says the same"
        raise mistake_at(message, index, "orchestrator")
    _gateways_apart(lanes)
    return lanes


def _gateways_apart(lanes: list[Lane]) -> None:
    """Refuse one gateway for several: it is pinned to one orchestrator, or pointed by one lane."""
    for key in ("name", "url"):
        seen: dict[str, int] = {}
        for index, lane in enumerate(lanes):
            value = getattr(lane, key)
            if lane.kind not in ("pinned", "webhook") or value is None:
                continue
            before = seen.setdefault(value, index)
            if before != index:
                message = f"expected each gateway once, but entry [{before}] says the same"
                raise mistake_at(message, index, key)
