"""What a certificate says of itself, whoever wrote it."""

import datetime as dt
import hashlib
import ipaddress
import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Certificate
from exporter.probing.reachability.certificate import DER_LIMIT, NAMES_READ, NAMES_SHOWN, facts

KEY = ec.generate_private_key(ec.SECP256R1())
BEGINS = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
ENDS = dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


def named(**parts: str) -> x509.Name:
    kinds = {"cn": NameOID.COMMON_NAME, "o": NameOID.ORGANIZATION_NAME, "c": NameOID.COUNTRY_NAME}
    return x509.Name([x509.NameAttribute(kinds[kind], text) for kind, text in parts.items()])


def der(
    *,
    subject: x509.Name | None = None,
    issuer: x509.Name | None = None,
    begins: dt.datetime = BEGINS,
    ends: dt.datetime = ENDS,
    names: list[x509.GeneralName] | None = None,
) -> bytes:
    subject = named(cn="orch.example", o="Livepeer") if subject is None else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(KEY, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def ip(*addresses: str) -> list[x509.GeneralName]:
    return [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


def unix_ns(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 10**9


def test_all_that_stands_in_a_good_certificate() -> None:
    made = der(
        issuer=named(cn="an authority", o="Somebody", c="CH"),
        names=[*dns("orch.example", "*.pool.example"), *ip("203.0.113.7", "2001:db8::7")],
    )
    assert facts(made, "orch.example") == Certificate(
        sha256=hashlib.sha256(made).hexdigest(),
        not_before=unix_ns(BEGINS),
        not_after=unix_ns(ENDS),
        names=("orch.example", "*.pool.example", "203.0.113.7", "2001:db8::7"),
        issuer="CN=an authority, O=Somebody, C=CH",
        self_signed=False,
        matches_host=True,
    )


@pytest.mark.parametrize(
    ("host", "matches"),
    [
        ("orch.example", True),
        ("ORCH.Example.", True),
        ("a.pool.example", True),
        ("a.b.pool.example", False),
        ("pool.example", False),
        ("other.example", False),
        ("203.0.113.7", True),
        ("203.0.113.8", False),
        ("2001:DB8:0::7", True),
        ("xorch.example", False),
    ],
)
def test_whether_a_host_is_named(host: str, matches: bool) -> None:
    made = der(names=[*dns("orch.example", "*.pool.example"), *ip("203.0.113.7", "2001:db8::7")])
    assert facts(made, host).matches_host is matches


def test_a_wildcard_never_stands_for_an_address() -> None:
    assert facts(der(names=dns("*.0.0.1", "*")), "127.0.0.1").matches_host is False


def test_without_alternative_names_the_common_name_is_its_name() -> None:
    found = facts(der(), "orch.example")
    assert (found.names, found.matches_host) == (("orch.example",), True)
    assert found.self_signed is True
    assert found.issuer == "CN=orch.example, O=Livepeer"


def test_a_certificate_without_any_name() -> None:
    found = facts(der(subject=x509.Name([])), "orch.example")
    assert (found.names, found.issuer, found.matches_host) == ((), None, False)
    assert found.self_signed is True


def test_many_names_are_looked_through_and_few_are_shown() -> None:
    made = der(names=dns(*(f"n{number}.example" for number in range(500))))
    found = facts(made, "n499.example")
    assert len(found.names) == NAMES_SHOWN
    assert found.matches_host is True


def test_among_too_many_names_it_is_not_known_whether_the_host_is_one() -> None:
    made = der(names=dns(*(f"{number}.de" for number in range(NAMES_READ + 500))))
    assert facts(made, "1.de").matches_host is True
    assert facts(made, "other.example").matches_host is None


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC), 2**63 - 1),
        (dt.datetime(2262, 1, 1, tzinfo=dt.UTC), unix_ns(dt.datetime(2262, 1, 1, tzinfo=dt.UTC))),
        (dt.datetime(2050, 1, 1, tzinfo=dt.UTC), unix_ns(dt.datetime(2050, 1, 1, tzinfo=dt.UTC))),
        (dt.datetime(2049, 1, 1, tzinfo=dt.UTC), unix_ns(dt.datetime(2049, 1, 1, tzinfo=dt.UTC))),
    ],
)
def test_ends_that_are_far_away(moment: dt.datetime, shown: int) -> None:
    assert facts(der(ends=moment), "orch.example").not_after == shown


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (b"20261331235959Z", 0x18),
        (b"99999999999999Z", 0x18),
        (b"00000000000000Z", 0x18),
        (b"20261231235959+", 0x18),
        (b"2026 2 1235959Z", 0x18),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0x18),
        (b"261231235960Z", 0x17),
        (b"", 0x17),
    ],
)
def test_a_moment_that_is_none_is_unknown_and_the_rest_is_read(written: bytes, kind: int) -> None:
    whole = der(ends=dt.datetime(2050, 12, 31, 23, 59, 59, tzinfo=dt.UTC))
    right = b"\x18\x0f20501231235959Z"
    assert whole.count(right) == 1
    padded = bytes([kind, len(written)]) + written
    if filler := len(right) - len(padded):
        padded += b"\x05" + bytes([filler - 2]) + bytes(filler - 2)
    found = facts(whole.replace(right, padded), "orch.example")
    assert found.not_after is None
    assert found.names == ("orch.example",)


def test_odd_strings_are_shown_without_what_cannot_be_printed() -> None:
    found = facts(der(subject=named(cn="\x1b[31mred\u202e\u0000 Ünïcode\n")), "x")
    assert found.names == ("�[31mred�� Ünïcode�",)
    assert found.issuer is not None
    assert found.issuer.isprintable()


def test_strings_are_cut_to_a_bound() -> None:
    found = facts(der(names=dns("a" * 5000)), "x")
    assert len(found.names[0]) == 200


def test_what_is_no_certificate_has_a_fingerprint_and_nothing_else() -> None:
    for junk in (b"", b"\x30", b"junk", b"\x30\x80\0\0", b"\x30\x84\xff\xff\xff\xff", bytes(1000)):
        assert facts(junk, "x") == Certificate(sha256=hashlib.sha256(junk).hexdigest())


def test_a_certificate_of_any_size_is_not_read() -> None:
    huge = der(names=dns("orch.example")) + bytes(DER_LIMIT)
    assert facts(huge, "orch.example").names == ()


GOOD = der(names=[*dns("orch.example", "*.example"), *ip("203.0.113.7")])


@given(st.data())
def test_a_damaged_certificate_never_raises(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for some in (bytes(damaged), bytes(damaged[:cut]), bytes(damaged[cut:])):
        shown(facts(some, "orch.example"))


def test_ten_thousand_damaged_certificates_are_read_in_bounded_time() -> None:
    rng = random.Random(7)
    for _ in range(10_000):
        damaged = bytearray(GOOD)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.choice((0, 0x30, 0x80, 0x84, 0xFF, 0x1F))
        shown(facts(bytes(damaged), "orch.example"))


def shown(found: Certificate) -> None:
    """What comes out is printable and bounded, whatever went in."""
    assert len(found.sha256) == 64
    assert len(found.names) <= NAMES_SHOWN
    for text in (*found.names, found.issuer or ""):
        assert text.isprintable()
        assert len(text) <= 200
    for moment in (found.not_before, found.not_after):
        assert moment is None or abs(moment) < 2**63
