"""Whether two URLs mean the same place."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def normal_url(url: str) -> str:
    """One spelling of a URL for comparing: scheme and host in lower case, no default port.

    Names are not resolved: `localhost` and `127.0.0.1` are two. What is not a URL stays as it is.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host = parts.scheme, _normal_host(parts.hostname or "")
        port = parts.port
    except ValueError:
        return url.strip()
    if not host:
        return url.strip()
    where = host if port is None or port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"
    user, at, _ = parts.netloc.rpartition("@")
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{user}{at}{where}{parts.path.rstrip('/')}{query}"


def _normal_host(host: str) -> str:
    host = host.rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower()
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
