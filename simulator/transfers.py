"""Files over the network, as an order's location says: http and https on loopback for real, `file:` for logs.

What is not on loopback is never asked: a firmware from there is pretended, and a log cannot be brought there.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from simulator.notices import UploadStatus

TIMEOUT_S = 20.0
MOST_BYTES = 64 * 1024 * 1024
PRETENDED = b""
_METHOD_REFUSED = (404, 405, 501)


async def fetch(location: str, *, roots: Sequence[str] = ()) -> bytes | None:
    """The content of a firmware's location; PRETENDED where it is not on loopback, None where it cannot be had.

    `roots` are certificates (PEM) that https trusts beside those of the system.
    """
    try:
        parts = urlsplit(location)
        if not _is_real(parts):
            return PRETENDED if parts.scheme and parts.hostname else None
        return await asyncio.to_thread(_get, parts, roots)
    except (OSError, HTTPException, ValueError):
        return None


async def upload(location: str, file_name: str, text: str, *, roots: Sequence[str] = ()) -> UploadStatus:
    """Brings a log to a location, by PUT, or by POST where that is refused. Returns how it went."""
    try:
        parts = urlsplit(location)
        if parts.scheme == "file":
            return await asyncio.to_thread(_write, Path(unquote(parts.path)), file_name, text)
        if not parts.scheme or not parts.hostname:
            return UploadStatus.BAD_MESSAGE
        if parts.scheme not in ("http", "https"):
            return UploadStatus.NOT_SUPPORTED
        return await asyncio.to_thread(_put, parts, file_name, text, roots)
    except (OSError, HTTPException):
        return UploadStatus.FAILED
    except ValueError:
        return UploadStatus.BAD_MESSAGE


def _is_real(parts: SplitResult) -> bool:
    return parts.scheme in ("http", "https") and _on_loopback(parts.hostname)


def _on_loopback(host: str | None) -> bool:
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _get(parts: SplitResult, roots: Sequence[str]) -> bytes | None:
    connection = _connection(parts, roots)
    try:
        connection.request("GET", _target(parts))
        response = connection.getresponse()
        content = response.read(MOST_BYTES)
        return content if response.status == 200 else None
    finally:
        connection.close()


def _put(parts: SplitResult, file_name: str, text: str, roots: Sequence[str]) -> UploadStatus:
    """A location that ends in a slash is a folder."""
    if not _on_loopback(parts.hostname):
        return UploadStatus.FAILED
    target = _target(parts, quote(file_name) if parts.path.endswith("/") else "")
    status = 0
    for method in ("PUT", "POST"):
        connection = _connection(parts, roots)
        try:
            headers = {"Content-Type": "text/plain", "Content-Disposition": f'attachment; filename="{file_name}"'}
            connection.request(method, target, body=text.encode(), headers=headers)
            status = connection.getresponse().status
        finally:
            connection.close()
        if status not in _METHOD_REFUSED:
            break
    if status in (401, 403):
        return UploadStatus.DENIED
    return UploadStatus.UPLOADED if 200 <= status < 300 else UploadStatus.FAILED


def _write(folder: Path, file_name: str, text: str) -> UploadStatus:
    """Adds a file to a folder; what is there already is never overwritten."""
    try:
        with (folder / file_name).open("x") as file:
            file.write(text)
    except PermissionError:
        return UploadStatus.DENIED
    return UploadStatus.UPLOADED


def _connection(parts: SplitResult, roots: Sequence[str]) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    context = ssl.create_default_context()
    for root in roots:
        context.load_verify_locations(cadata=root)
    return HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=context)


def _target(parts: SplitResult, more: str = "") -> str:
    path = (parts.path or "/") + more
    return f"{path}?{parts.query}" if parts.query else path
