"""URIs as somebody may write them who wants the tester to connect to where it must not.

Made at random of addresses in every spelling, names with every kind of answer, and all that
parsers of URLs disagree about. `is_public` is a judgement of its own, by the registries of IANA:
nothing here asks the guard.
"""

import ipaddress
import random
from collections.abc import Callable, Sequence

import msgspec

Answers = list[list[str]]
"""What a name resolves to, look-up by look-up; the last answer stays."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in text.split())


_NOT_PUBLIC = _networks(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    "224.0.0.0/4 240.0.0.0/4 2001::/23 2001:db8::/32 3fff::/20"
)
_PUBLIC = _networks("1.1.1.0/24 8.0.0.0/9 93.184.0.0/16 2606:4700::/32 2a01::/16")
_FORBIDDEN_6 = _networks(
    "::/127 fe80::/16 fc00::/7 ff02::/16 2001:db8::/32 64:ff9b:1::/48 fec0::/10 2001::/32 "
    "100::/64 5f00::/16 3fff::/20"
)
_SCOPES = ("", "", "", "%lo", "%25lo", "%1", "%25eth0", "%")
_FAVOURITES = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0", "192.168.1.1", "127.9.9.9")


class Hostile(msgspec.Struct, frozen=True):
    """A URI, the host that was meant, and what names in it resolve to."""

    uri: str
    name: int | None
    """Number of the name in it, as `n7z`."""
    answers: Answers


def is_public(address: str) -> bool:
    """Whether an address, as a socket names it, leads to the public internet and nowhere else."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if parsed.version == 4:
        return not any(parsed in net for net in _NOT_PUBLIC if net.version == 4)
    number = int(parsed)
    inner = str(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    if number >> 32 == 0xFFFF or number >> 32 == 0x64FF9B << 64:
        return is_public(inner)
    if number >> 112 == 0x2002:
        return is_public(str(ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)))
    if number >> 32 & 0xFDFFFFFF == 0x5EFE:
        return is_public(inner)
    special = any(parsed in net for net in _NOT_PUBLIC if net.version == 6)
    return number >> 125 == 1 and not special


class Grammar:
    """Draws hostile URIs; the same seed draws the same ones. On `ports` somebody listens."""

    def __init__(self, seed: int, ports: Sequence[int]) -> None:
        self._rng = random.Random(seed)
        self._listening = ports
        self._names = 0

    def draw(self) -> Hostile:
        """One more."""
        rng = self._rng
        number, host, answers = self._host()
        uri = self._scheme() + self._user() + host + self._port() + self._path()
        if rng.random() < 0.1:
            place = rng.randrange(len(uri) + 1)
            uri = uri[:place] + rng.choice(_ODD) + uri[place:]
        return Hostile(uri, number, answers)

    def _host(self) -> tuple[int | None, str, Answers]:
        return self._name() if self._rng.random() < 0.35 else (None, self._literal(), [[]])

    def media(self) -> str:
        """A URL for an answer's media, or for a redirect."""
        return self.draw().uri

    def _literal(self) -> str:
        rng = self._rng
        if rng.random() < 0.15:
            return f"[{self._public(6)}]" if rng.random() < 0.3 else self._public(4)
        if rng.random() < 0.3:
            address = self._in(rng.choice(_FORBIDDEN_6))
            return f"[{address}{rng.choice(_SCOPES)}]"
        return rng.choice(_SPELLINGS)(ipaddress.IPv4Address(self._forbidden_4()), rng)

    def _forbidden_4(self) -> str:
        if self._rng.random() < 0.5:
            return self._rng.choice(_FAVOURITES)
        return self._in(self._rng.choice([net for net in _NOT_PUBLIC if net.version == 4]))

    def _public(self, version: int) -> str:
        return self._in(self._rng.choice([net for net in _PUBLIC if net.version == version]))

    def _in(self, network: Network) -> str:
        size = network.num_addresses
        return str(network[self._rng.randrange(min(size, 2**64))])

    def _name(self) -> tuple[int | None, str, Answers]:
        rng = self._rng
        if rng.random() < 0.15:
            return None, rng.choice(_OURS), [[]]
        self._names += 1
        name = rng.choice(_NAMES).format(number=self._names)
        public, forbidden = self._public(rng.choice((4, 4, 6))), self._answer()
        answers: Answers = rng.choice(
            (
                [[forbidden]],
                [[public, forbidden]],
                [[forbidden, public]],
                [[public], [forbidden]],
                [[forbidden], [public]],
                [[public], [public, forbidden], [forbidden]],
                [[public]],
            )
        )
        return self._names, name, answers

    def _answer(self) -> str:
        """A forbidden address as a resolver may give it."""
        rng = self._rng
        if rng.random() < 0.6:
            return self._forbidden_4()
        if rng.random() < 0.5:
            return self._in(rng.choice(_FORBIDDEN_6)) + rng.choice(("", "", "%lo"))
        spelt = rng.choice(_IN_SIX)(ipaddress.IPv4Address(self._forbidden_4()))
        return spelt.strip("[]")

    def _scheme(self) -> str:
        rng = self._rng
        return rng.choice(("http://", "https://")) if rng.random() < 0.8 else rng.choice(_SCHEMES)

    def _user(self) -> str:
        return "" if self._rng.random() < 0.85 else self._rng.choice(_USERS)

    def _port(self) -> str:
        rng = self._rng
        return f":{rng.choice(self._listening)}" if rng.random() < 0.8 else rng.choice(_PORTS)

    def _path(self) -> str:
        return "" if self._rng.random() < 0.7 else self._rng.choice(_PATHS)


Spell = Callable[[ipaddress.IPv4Address, random.Random], str]
V4 = ipaddress.IPv4Address


def _octets(address: V4, form: Callable[[int], str]) -> str:
    return ".".join(form(octet) for octet in address.packed)


def _mixed(address: V4, rng: random.Random) -> str:
    forms = (str, oct_c, hex)
    return ".".join(rng.choice(forms)(octet) for octet in address.packed)


def oct_c(number: int) -> str:
    """Octal as C writes it."""
    return f"0{number:o}"


def _short(address: V4, rng: random.Random) -> str:
    first, second, third, fourth = address.packed
    return rng.choice(
        (
            f"{first}.{second}.{third << 8 | fourth}",
            f"{first}.{int(address) & 0xFFFFFF}",
            f"{first}.{hex(int(address) & 0xFFFFFF)}",
        )
    )


def _wide(address: V4, rng: random.Random) -> str:
    digits = {ord("0") + n: 0xFF10 + n for n in range(10)}
    dot = rng.choice((".", "\u3002", "\uff0e", "\uff61"))
    return str(address).translate(digits).replace(".", dot)


def _dots(address: V4, rng: random.Random) -> str:
    return str(address).replace(".", rng.choice(("\u3002", "\uff0e", "\uff61", "%2e", "\u2024")))


def _percent(address: V4, _: random.Random) -> str:
    return "".join(f"%{ord(letter):02x}" for letter in str(address))


def _circled(address: V4, _: random.Random) -> str:
    return "".join(
        chr(0x2460 + int(letter) - 1) if letter in "123456789" else letter
        for letter in str(address)
    )


def _mapped(address: V4) -> str:
    return f"[::ffff:{address}]"


def _mapped_hex(address: V4) -> str:
    return f"[::FFFF:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}]"


def _compatible(address: V4) -> str:
    return f"[::{address}]"


def _translated(address: V4) -> str:
    return f"[::ffff:0:{address}]"


def _six_to_four(address: V4) -> str:
    return f"[2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1]"


def _nat64(address: V4) -> str:
    return f"[64:ff9b::{address}]"


def _nat64_local(address: V4) -> str:
    return f"[64:ff9b:1::{address}]"


def _teredo(address: V4) -> str:
    hidden = int(address) ^ 0xFFFFFFFF
    return f"[2001:0:808:808::ffff:{hidden >> 16:x}:{hidden & 0xFFFF:x}]"


def _isatap(address: V4) -> str:
    return f"[2606:4700::5efe:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}]"


def _isatap_global(address: V4) -> str:
    return f"[2606:4700::200:5efe:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}]"


_IN_SIX = (
    _mapped,
    _mapped_hex,
    _compatible,
    _translated,
    _six_to_four,
    _nat64,
    _nat64_local,
    _teredo,
    _isatap,
    _isatap_global,
)

_SPELLINGS: tuple[Spell, ...] = (
    lambda a, _: str(a),
    lambda a, _: str(a),
    lambda a, _: f"{a}.",
    lambda a, _: f"[{a}]",
    lambda a, _: str(int(a)),
    lambda a, _: hex(int(a)),
    lambda a, _: oct_c(int(a)),
    lambda a, _: str(int(a) + 2**32),
    lambda a, _: _octets(a, oct_c),
    lambda a, _: _octets(a, hex),
    lambda a, _: _octets(a, lambda octet: f"{octet:03}"),
    lambda a, _: _octets(a, lambda octet: str(octet + 256)),
    lambda a, _: f"{a}.nip.example",
    lambda a, _: f"{a}\u200b",
    lambda a, _: f"{a}%00.example",
    lambda a, rng: rng.choice(_IN_SIX)(a),
    lambda a, rng: rng.choice(_IN_SIX)(a)[:-1] + rng.choice(_SCOPES) + "]",
    _mixed,
    _short,
    _wide,
    _dots,
    _percent,
    _circled,
)

_OURS = (
    "localhost",
    "LOCALHOST",
    "localhost.",
    "app.localhost",
    "app.localhost.",
    "localhost.localdomain",
    "ip6-localhost",
    "loc\u0430lhost",
    "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
    "localhost%00.example",
    "localhost\\.example",
)
_NAMES = (
    "n{number}z.example",
    "N{number}Z.Example.",
    "m\u00fcnchen-n{number}z.example",
    "xn--mnchen-3ya.n{number}z.example",
    "n{number}z",
    "under_score-n{number}z.example",
    "n{number}z.127.0.0.1.example",
    "-n{number}z.example",
    "n{number}z\u3002example",
)
_SCHEMES = (
    "HTTP://",
    "hTTps://",
    "",
    "//",
    "http:",
    "http:/",
    "http:///",
    "https:\\\\",
    "http:/\\",
    "https://https://",
    "http://http://",
    " http://",
    "http\t://",
    "ftp://",
    "file://",
    "gopher://",
    "unix://",
    "ws://",
    "data:text/html,http://",
    "javascript:",
    "http+unix://",
    "view-source:http://",
)
_USERS = (
    "good.example@",
    "user:secret@",
    "good.example:80@",
    "@",
    "@@",
    "good.example#@",
    "good.example?@",
    "good.example/@",
    "good.example\\@",
    "8.8.8.8:80#@",
    "8.8.8.8%40",
    "[::1]@",
    "user:pw@8.8.8.8@",
)
_PORTS = (
    "",
    ":",
    ":0",
    ":-1",
    ":+80",
    ":00080",
    ":65536",
    ":65616",
    ":99999999999999999999",
    ":80:80",
    ": 80",
    ":80 ",
    ":0x50",
    ":\uff18\uff10",
    ":8_0",
    ":80@8.8.8.8",
    ":80#@8.8.8.8",
    ":80?@8.8.8.8",
    ":80\\@8.8.8.8",
)
_PATHS = (
    "/",
    "/x",
    "//127.0.0.1/",
    "/../..//",
    "/\\127.0.0.1/",
    "/@127.0.0.1/",
    "?url=http://127.0.0.1",
    "#@127.0.0.1",
    "/x\r\nHost: 127.0.0.1",
    "/\x00",
    "/%0d%0aHost:%20127.0.0.1",
    "/" + "x" * 3000,
    "/\u2028",
    "/x y",
    ";@127.0.0.1",
)
_ODD = (
    *" \t\r\n\0\x0b\x7f\\@#?%:[]/.-_^|<>\"'`{}",
    "\u00ad",
    "\u200b",
    "\u202e",
    "\uff0f",
    "\u2044",
    "\ufeff",
    "\ud800",
    "127.0.0.1",
    "%00",
    "@127.0.0.1:80",
)
