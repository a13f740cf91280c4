"""HTTP to other parties' servers: one POST or GET, bounded in time and size, to addresses that are allowed.

The URL of an OCSP responder comes from outside. Its host is resolved here, and the connection goes to the address that
was checked: a name cannot lead to another one afterwards. Redirections are not followed. HTTP/1.0 is spoken, in which a
body ends with its length or with the connection.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
_MOST_HEAD = 16 * 1024
_MOST_URL = 2048
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UrlError(Exception):
    """The URL is none that can be requested."""


class AddressRefusedError(Exception):
    """The URL leads to an address that is not of the public internet."""


class NoAnswerError(Exception):
    """There was no answer in time, or none of status 200 and of a bearable size."""


@dataclass(frozen=True, kw_only=True)
class HttpRules:
    """Bounds of each request. `private_addresses`: loopback, private and other special addresses are allowed."""

    private_addresses: bool = False
    timeout_s: float = 3.0
    most_bytes: int = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class _Target:
    parts: SplitResult
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.parts.scheme] else f"{host}:{self.port}"


async def post(url: str, body: bytes, headers: Mapping[str, str], rules: HttpRules) -> bytes:
    """The body of the answer. Raises UrlError, AddressRefusedError or NoAnswerError."""
    target = _target(url)
    return await _ask(target, _request("POST", target, body, headers), rules)


async def get(url: str, headers: Mapping[str, str], rules: HttpRules) -> bytes:
    """The body of the answer. Raises UrlError, AddressRefusedError or NoAnswerError."""
    target = _target(url)
    return await _ask(target, _request("GET", target, b"", headers), rules)


async def _ask(target: _Target, request: bytes, rules: HttpRules) -> bytes:
    try:
        async with asyncio.timeout(rules.timeout_s):
            address = await _resolve(target, rules)
            return await _exchange(target, address, request, rules)
    except TimeoutError as error:
        raise NoAnswerError(f"{target.host} did not answer within {rules.timeout_s:g} s") from error
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise NoAnswerError(f"{target.host} cannot be reached, or ended the connection") from error


def check_url(url: str) -> None:
    """Raises UrlError where a URL cannot be requested."""
    _target(url)


def is_public(address: Address) -> bool:
    """Whether an address is of the public internet, also one that leads to an IPv4 address by way of IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _target(url: str) -> _Target:
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > _MOST_URL:
        raise UrlError("it is no URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlError("it is no URL") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise UrlError("an http or https URL with a host is needed")
    if parts.username is not None or parts.password is not None:
        raise UrlError("it has a user name, which is not sent")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts=parts, host=parts.hostname, port=port or _PORTS[parts.scheme], path=path)


async def _resolve(target: _Target, rules: HttpRules) -> str:
    """An address of the host. All of them have to be allowed, so that the answers of its DNS do not matter."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NoAnswerError(f"{target.host} is not known to the DNS") from error
    addresses: Sequence[str] = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not rules.private_addresses and not all(is_public(ipaddress.ip_address(one)) for one in addresses):
        raise AddressRefusedError(f"{target.host} has an address that is not of the public internet")
    return addresses[0]


def _request(method: str, target: _Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = {
        "Host": target.authority,
        "Connection": "close",
        "Accept-Encoding": "identity",
        **({"Content-Length": str(len(body))} if method == "POST" else {}),
        **headers,
    }
    head = f"{method} {target.path} HTTP/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + body


async def _exchange(target: _Target, address: str, request: bytes, rules: HttpRules) -> bytes:
    tls = ssl.create_default_context() if target.parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        address, target.port, ssl=tls, server_hostname=target.host if tls else None, limit=_MOST_HEAD
    )
    try:
        writer.write(request)
        await writer.drain()
        length = _length(await reader.readuntil(b"\r\n\r\n"), target.host, rules.most_bytes)
        return await _body(reader, length, target.host, rules.most_bytes)
    finally:
        writer.transport.abort()  # a polite end would wait for the other side


def _length(head: bytes, host: str, most: int) -> int | None:
    """The length of the body by its header; None where the body ends with the connection."""
    status, *lines = head.decode("latin-1").split("\r\n")
    words = status.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or words[1] != "200":
        raise NoAnswerError(f"{host} answered {status[:40]!r}, and HTTP status 200 is needed")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "transfer-encoding" in headers:
        raise NoAnswerError(f"{host} answered HTTP/1.0 in chunks")
    text = headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise NoAnswerError(f"{host} answered with more than {most} bytes")
    return int(text)


async def _body(reader: asyncio.StreamReader, length: int | None, host: str, most: int) -> bytes:
    if length is not None:
        return await reader.readexactly(length)
    body = bytearray()
    while part := await reader.read(_MOST_HEAD):
        body += part
        if len(body) > most:
            raise NoAnswerError(f"{host} answered with more than {most} bytes")
    return bytes(body)
