"""What a lane asks of a certificate, against servers with good, wrong and absurd ones."""

import asyncio
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest
import trustme

from exporter.model import Outcome
from exporter.probing.failure import TransportFailure
from exporter.probing.resolve import Resolver
from exporter.probing.trust import ANY_CERTIFICATE, Trust, TrustError, Trusts, untrustworthy
from exporter.settings import Lane
from exporter.settings.lanes import LaneTls
from tests.probing.certificates import DAY, NOW, Authority, server_tls, sha256_of
from tests.probing.kit import raw_server
from tests.probing.speaking import Answering, new_wire, speaking


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def local() -> Resolver:
    """A resolver to which every name is this machine."""
    return Resolver(look_up=lambda _host, _port: (["127.0.0.1"], time.monotonic_ns()))


def trust_of(**tls: object) -> Trust:
    return Trusts().of(LaneTls.model_validate(tls))


async def ask(
    resolver: Resolver, context: ssl.SSLContext, trust: Trust | None, host: str = "127.0.0.1"
) -> tuple[TransportFailure | None, Answering]:
    """One POST to a server with such TLS, by the name `host`; the failure, if it was one."""
    server, wire = Answering(), new_wire()
    failure = None
    async with raw_server(server, ssl=context) as (_, port):
        base = f"https://{host}:{port}"
        async with speaking(resolver, wire, base, trust) as http:
            try:
                await http.post(f"{base}/x", content=b"body")
            except TransportFailure as caught:
                failure = caught
        await server.idle()
    assert (wire.sent_bytes == 0) == (failure is not None), "not a byte may reach the wrong one"
    return failure, server


@pytest.mark.parametrize("trust", [None, ANY_CERTIFICATE, Trusts().of(LaneTls())])
async def test_by_default_any_certificate_is_taken(
    resolver: Resolver, authority: trustme.CA, trust: Trust | None
) -> None:
    certificate = authority.issue_cert("elsewhere.example", not_after=NOW - DAY)
    failure, server = await ask(resolver, server_tls(certificate), trust)
    assert failure is None
    assert len(server.heads) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_certificate_with_the_fingerprint_is_the_only_one_accepted(
    resolver: Resolver, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    certificate, other = authority.issue_cert("127.0.0.1"), authority.issue_cert("127.0.0.1")
    digits = sha256_of(certificate)
    colons = ":".join(digits[at : at + 2].upper() for at in range(0, 64, 2))
    trust = trust_of(fingerprint=colons)
    failure, server = await ask(resolver, server_tls(certificate, version), trust)
    assert failure is None
    assert len(server.heads) == 1
    failure, server = await ask(resolver, server_tls(other, version), trust)
    assert failure is not None
    assert failure.outcome is Outcome.TLS_FAILED
    assert failure.message == (
        f"the certificate's fingerprint is {sha256_of(other)}, expected {digits}"
    )
    assert failure.doubtful, "the pin may be what is wrong"
    assert server.heads == []


async def test_every_new_connection_to_the_lane_is_checked(
    resolver: Resolver, authority: trustme.CA
) -> None:
    """The server closes after each answer, and comes back as another."""
    certificate = authority.issue_cert("127.0.0.1")
    context, server = server_tls(certificate), Answering()
    server.close_after_answer = True
    trust = trust_of(fingerprint=sha256_of(certificate))
    async with raw_server(server, ssl=context) as (host, port):
        base, wire = f"https://{host}:{port}", new_wire()
        async with speaking(resolver, wire, base, trust) as http:
            await http.post(f"{base}/x", content=b"body")
            await http.get(f"{base}/media")
            authority.issue_cert("127.0.0.1").configure_cert(context)
            with pytest.raises(TransportFailure, match="the certificate's fingerprint is"):
                await http.get(f"{base}/media")
        await server.idle()
    assert len(server.heads) == 2
    assert wire.connections == 3


async def test_other_origins_are_not_asked_for_the_lanes_certificate(
    local: Resolver, authority: trustme.CA, ca: Path
) -> None:
    certificate = authority.issue_cert("lane.example")
    elsewhere = server_tls(trustme.CA().issue_cert("elsewhere.example"))
    server, store = Answering(), Answering()
    trust = trust_of(verify=True, ca=ca, fingerprint=sha256_of(certificate))
    async with (
        raw_server(server, ssl=server_tls(certificate)) as (_, port),
        raw_server(store, ssl=elsewhere) as (_, store_port),
    ):
        base, wire = f"https://lane.example:{port}", new_wire()
        wire.guard = type(wire.guard)(["127.0.0.1/32"])
        async with speaking(local, wire, base, trust) as http:
            await http.post(f"{base}/x", content=b"body")
            await http.get(f"https://elsewhere.example:{store_port}/media")
    assert len(server.heads) == len(store.heads) == 1


@pytest.mark.parametrize("spelling", ["https://BÜCHER.example", "https://xn--bcher-kva.Example"])
async def test_the_check_holds_however_the_lanes_host_is_spelled(
    local: Resolver, authority: trustme.CA, spelling: str
) -> None:
    server = Answering()
    context = server_tls(authority.issue_cert("xn--bcher-kva.example"))
    async with raw_server(server, ssl=context) as (_, port):
        base = f"{spelling}:{port}"
        async with speaking(local, new_wire(), base, trust_of(fingerprint="0" * 64)) as http:
            with pytest.raises(TransportFailure, match="expected 0000"):
                await http.post(f"{base}/x", content=b"body")
    assert server.heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "lane.example", "a.b.lane.example"])
async def test_a_certificate_of_a_named_authority_for_this_host_is_good(
    local: Resolver, authority: trustme.CA, ca: Path, host: str
) -> None:
    names = ("127.0.0.1", "lane.example", "*.b.lane.example")
    context = server_tls(authority.issue_cert(*names))
    failure, server = await ask(local, context, trust_of(verify=True, ca=ca), host)
    assert failure is None
    assert len(server.heads) == 1


async def test_an_ipv6_address_is_a_host_too(authority: trustme.CA, ca: Path) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    for name, good in (("::1", True), ("::2", False)):
        server = Answering()
        context = server_tls(authority.issue_cert(name))
        listening = await asyncio.start_server(server, "::1", 0, ssl=context)
        base = f"https://[::1]:{listening.sockets[0].getsockname()[1]}"
        async with speaking(Resolver(), new_wire(), base, trust_of(verify=True, ca=ca)) as http:
            if good:
                await http.post(f"{base}/x", content=b"body")
            else:
                with pytest.raises(TransportFailure, match="for another host: IP address mismatch"):
                    await http.post(f"{base}/x", content=b"body")
        listening.close()
        await listening.wait_closed()


@pytest.mark.parametrize(
    ("names", "dates", "words", "doubtful"),
    [
        (["other.example"], {}, "the certificate is for another host: Hostname mismatch", True),
        (["127.0.0.1"], {}, "the certificate is for another host", True),
        (["lane.example"], {"not_after": NOW - DAY}, "the certificate has expired", False),
        (
            ["lane.example"],
            {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY},
            "not valid yet, by this machine's clock",
            True,
        ),
        # Of two things that are wrong, the one that is not clearly the peer's decides.
        (["other.example"], {"not_after": NOW - DAY}, "for another host", True),
    ],
)
async def test_a_certificate_that_does_not_hold_is_refused_before_the_request(
    *,
    local: Resolver,
    authority: trustme.CA,
    ca: Path,
    names: list[str],
    dates: dict[str, object],
    words: str,
    doubtful: bool,
) -> None:
    context = server_tls(authority.issue_cert(*names, **dates))  # type: ignore[arg-type]  # dates
    failure, server = await ask(local, context, trust_of(verify=True, ca=ca), "lane.example")
    assert failure is not None
    assert failure.outcome is Outcome.TLS_FAILED
    assert words in failure.message
    assert failure.doubtful is doubtful
    assert server.heads == []


async def test_a_certificate_of_somebody_else_is_refused(
    resolver: Resolver, ca: Path, tmp_path: Path
) -> None:
    stranger = server_tls(trustme.CA().issue_cert("127.0.0.1"))
    failure, server = await ask(resolver, stranger, trust_of(verify=True, ca=ca))
    assert failure is not None
    assert f"the certificate is not signed by an authority in {tmp_path}/ca.pem: " in (
        failure.message
    )
    assert failure.doubtful
    assert server.heads == []


async def test_an_authority_of_ours_that_has_expired_is_not_the_peers_fault(
    local: Resolver, tmp_path: Path
) -> None:
    old = Authority(ends=NOW - DAY)
    trust = trust_of(verify=True, ca=old.write(tmp_path / "ca.pem"))
    failure, _ = await ask(local, old.server_tls(tmp_path, "lane.example"), trust, "lane.example")
    assert failure is not None
    assert (failure.message, failure.doubtful) == ("an authority of ours has expired", True)


async def test_an_authority_below_the_root_is_trusted_when_it_is_named(
    local: Resolver, authority: trustme.CA, tmp_path: Path
) -> None:
    below = authority.create_child_ca()
    below.cert_pem.write_to_path(tmp_path / "below.pem")
    trust = trust_of(verify=True, ca=tmp_path / "below.pem")
    failure, _ = await ask(
        local, server_tls(below.issue_cert("lane.example")), trust, "lane.example"
    )
    assert failure is None


async def test_without_a_file_the_machines_authorities_count(
    local: Resolver, authority: trustme.CA, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = server_tls(authority.issue_cert("lane.example"))
    failure, _ = await ask(local, context, trust_of(verify=True), "lane.example")
    assert failure is not None
    assert "not signed by an authority that we trust: " in failure.message
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    failure, _ = await ask(local, context, trust_of(verify=True), "lane.example")
    assert failure is None


async def test_verification_and_fingerprint_must_both_hold(
    local: Resolver, authority: trustme.CA, ca: Path
) -> None:
    certificate = authority.issue_cert("lane.example")
    other = trustme.CA().issue_cert("lane.example")
    trust = trust_of(verify=True, ca=ca, fingerprint=sha256_of(certificate))
    assert (await ask(local, server_tls(certificate), trust, "lane.example"))[0] is None
    for wrong, words in ((other, "not signed"), (authority.issue_cert("lane.example"), "finger")):
        failure, _ = await ask(local, server_tls(wrong), trust, "lane.example")
        assert failure is not None
        assert words in failure.message


async def test_a_large_certificate_is_taken_and_an_absurd_one_is_not(
    local: Resolver, tmp_path: Path
) -> None:
    authority = Authority()
    trust = trust_of(verify=True, ca=authority.write(tmp_path / "ca.pem"))
    large = authority.server_tls(tmp_path, "lane.example", names=2_000)
    assert (tmp_path / "leaf.pem").stat().st_size > 60_000
    assert (await ask(local, large, trust, "lane.example"))[0] is None
    absurd = authority.server_tls(tmp_path, "lane.example", names=20_000)
    for either in (trust, None):
        failure, server = await ask(local, absurd, either, "lane.example")
        assert failure is not None
        assert failure.outcome is Outcome.TLS_FAILED
        assert not failure.doubtful
        assert len(failure.message) < 200
        assert server.heads == []


async def test_the_time_of_the_checks_is_time_of_tls(
    resolver: Resolver, authority: trustme.CA
) -> None:
    class Slow(Trust):
        def check(self, found: str | None) -> None:
            time.sleep(0.1)
            super().check(found)

    certificate = authority.issue_cert("127.0.0.1")
    async with raw_server(Answering(), ssl=server_tls(certificate)) as (host, port):
        base, wire = f"https://{host}:{port}", new_wire()
        async with speaking(resolver, wire, base, Slow(fingerprint=sha256_of(certificate))) as http:
            await http.post(f"{base}/x", content=b"body")
    wire.answer_ended()
    phases = wire.timeline.phases(complete=True)
    assert phases.tls is not None
    assert phases.tls >= 0.1e9
    assert (phases.tester or 0) + (phases.upload or 0) + (phases.connect or 0) < 0.09e9


async def test_the_steps_tell_the_fingerprint_so_that_it_can_be_pinned(
    resolver: Resolver, authority: trustme.CA
) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    async with raw_server(Answering(), ssl=server_tls(certificate)) as (host, port):
        base, wire = f"https://{host}:{port}", new_wire()
        async with speaking(resolver, wire, base) as http:
            await http.post(f"{base}/x", content=b"body")
    assert any(sha256_of(certificate) in step.text for step in wire.timeline.steps)


async def test_nothing_is_sent_in_clear_where_a_certificate_is_asked_for(
    resolver: Resolver,
) -> None:
    server = Answering()
    async with raw_server(server) as (host, port):
        base = f"http://{host}:{port}"
        async with speaking(resolver, new_wire(), base, trust_of(fingerprint="0" * 64)) as http:
            with pytest.raises(TransportFailure, match="the URL is not https") as caught:
                await http.post(f"{base}/x", content=b"body")
    assert (caught.value.outcome, caught.value.doubtful) == (Outcome.TLS_FAILED, True)
    assert server.connections == 0


def test_lanes_with_the_same_authorities_share_them(ca: Path) -> None:
    trusts = Trusts()
    first, second = (
        trusts.of(LaneTls(verify=True, ca=ca, fingerprint=digit * 64)) for digit in "12"
    )
    assert first.context is second.context is not None
    assert trusts.of(LaneTls()) is ANY_CERTIFICATE


def lane(url: str | None = "https://me.example", **tls: object) -> Lane:
    return Lane.model_validate({"kind": "direct", "orchestrator": "me", "url": url, "tls": tls})


def test_what_the_settings_ask_for_in_vain_is_told_by_its_key(tmp_path: Path, ca: Path) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "text.pem").write_text("not a certificate, señor\n")
    begin, end = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
    (tmp_path / "damaged.pem").write_text(begin + "AAAA\n" + end)
    (tmp_path / "half.pem").write_text(ca.read_text() + begin + "AAAA\n" + end)
    (tmp_path / "huge.pem").write_bytes(b"x" * (5 * 2**20))
    names = ["missing.pem", "", "empty.pem", "text.pem", "damaged.pem", "half.pem", "huge.pem"]
    lanes = [lane(verify=True, ca=tmp_path / name) for name in names]
    mistakes = untrustworthy([lane(), *lanes])
    assert [mistake.partition(": ")[0] for mistake in mistakes] == [
        f"lanes[{number}].tls.ca" for number in range(1, 8)
    ]
    assert "but there is no such file" in mistakes[0]
    assert "it is a folder" in mistakes[1]
    for mistake in mistakes[2:6]:
        assert "holds no certificate (`-----BEGIN CERTIFICATE-----`) or a damaged one" in mistake
    assert "larger than" in mistakes[6]


def test_good_settings_have_no_such_mistakes(tmp_path: Path, ca: Path) -> None:
    """A bundle may have comments, in any language, and a lane may have no URL of its own."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(f"# Autorité de la maison\n{ca.read_text()}\n# Fin\n{ca.read_text()}")
    good = [lane(), lane(verify=True, ca=bundle), lane(None, fingerprint="ab" * 32)]
    assert untrustworthy([*good, Lane(kind="managed")]) == []


def test_a_machine_without_authorities_cannot_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with pytest.raises(TrustError, match="this machine knows no authorities"):
        trust_of(verify=True)
    assert untrustworthy([lane(verify=True)])[0].startswith("lanes[0].tls.verify: this machine")


def test_a_peer_without_a_certificate_has_not_the_right_one() -> None:
    with pytest.raises(TransportFailure, match="fingerprint is missing, expected 0000"):
        Trust(fingerprint="0" * 64).check(None)


def test_the_lanes_origin_is_found_by_the_same_reading_as_the_requests() -> None:
    from exporter.probing.transport import origin_of

    assert origin_of(httpx.URL("https://ME.example/x")) == ("me.example", 443)
    assert origin_of(httpx.URL("http://[::1]/x")) == ("::1", 80)
