"""Parsing of a handshake, sans-I/O: the station, its OCPP version and its credential (quirks 1, 2, 7).

See docs/DESIGN.md, "Handshake".
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

PATH_PREFIX = "ocpp"
MAX_STATION_ID_LENGTH = 255
MAX_CREDENTIAL_LENGTH = 512
# Percent-encoded letters, digits, "-", ".", "_" and "~", which need no encoding (RFC 3986, 2.3).
_NEEDLESSLY_ENCODED = re.compile(r"%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|2[DdEe]|5[Ff]|7[Ee])")


@dataclass(frozen=True)
class Credential:
    """The credential that a station presents; both empty where it offers nothing."""

    username: str
    secret: bytes = field(repr=False)


class BadHandshakeError(Exception):
    """The request cannot be a station's; `status` is the HTTP status of the answer, the text is for its engineer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}  # of the answer, beside those that go with the status


class Headers(Protocol):
    """The headers of a request."""

    def get_all(self, key: str, /) -> Sequence[str]:
        """The values of a header, one for each time it is there."""


def single_header(headers: Headers, name: str) -> str | None:
    """The value of a header that may be there once, None where it is missing. Raises BadHandshakeError 400."""
    values = headers.get_all(name)
    if len(values) > 1:
        raise BadHandshakeError(400, f"the header {name} is there {len(values)} times, and may be there once")
    return values[0] if values else None


@dataclass(frozen=True, kw_only=True)
class StationPath:
    """The path of a handshake: the station's identity, and the segments between the prefix and it, all decoded."""

    station_id: str
    named: Sequence[str] = ()  # the first one may be a tenant's id: tenant_paths.py


def station_path(target: str) -> StationPath:
    """Reads a path: the station's identity is the last segment of `/ocpp/{id}` that is not empty, percent-decoded.

    Of a path that begins with empty segments (`///{id}`) the prefix may be missing: its base URL ended in a slash.
    `target` is the request target, with its query. Raises BadHandshakeError 404 where there is none, 400 where it
    cannot be an identity.
    """
    segments = [segment for segment in urlsplit(_single_slash(target)).path.split("/") if segment]
    is_bare = target.startswith("//") and len(segments) == 1 and segments[0] != PATH_PREFIX
    if not is_bare and (len(segments) < 2 or segments[0] != PATH_PREFIX):
        raise BadHandshakeError(404, "a charge point connects to /ocpp/{its identity}")
    identity = unquote(segments[-1], errors="replace")
    if not _may_be_identity(identity):
        raise BadHandshakeError(400, "the identity must be up to 255 printable characters, without a slash")
    return StationPath(station_id=identity, named=[unquote(segment, errors="replace") for segment in segments[1:-1]])


def _may_be_identity(text: str) -> bool:
    is_text = len(text) <= MAX_STATION_ID_LENGTH and text.isprintable() and "\ufffd" not in text
    return is_text and "/" not in text and text not in {".", ".."}


def is_odd_path(target: str, *, tenant_id: str = "") -> bool:
    """Whether a station's path has its identity, but is not the documented one (quirk 2).

    That has `tenant_id` in it, where one is given.
    """
    path = target.partition("?")[0]
    prefix, _, written = path.rpartition("/")
    documented = f"/{PATH_PREFIX}/{tenant_id}" if tenant_id else f"/{PATH_PREFIX}"
    return prefix != documented or not written or _NEEDLESSLY_ENCODED.search(written) is not None


def _single_slash(target: str) -> str:
    # urlsplit parses the part after two leading slashes as a host.
    return "/" + target.lstrip("/")


def choose_subprotocols(offered: Sequence[str], spoken: Sequence[str]) -> Mapping[str, str]:
    """The sub-protocols that both sides support, each with the name that the station gave it, in the station's order.

    RFC 6455 (11.3.4) has them offered by preference. "ocpp1.6" comes first where it offers none (quirk 1): then any may
    be chosen. A name in another case is supported too, and is answered as it was offered.
    """
    if not offered:
        return {"ocpp1.6": "", **dict.fromkeys(spoken, "")}
    chosen: dict[str, str] = {}
    for name in offered:
        if name.lower() in spoken:
            chosen.setdefault(name.lower(), name)
    return chosen


def credential(authorization: str | None, target: str) -> Credential:
    """The credential of a request: HTTP Basic (security profile 1), else `?token=`.

    Raises BadHandshakeError 401 where the Authorization header cannot be read.
    """
    if authorization:
        return _basic(authorization)
    tokens = parse_qs(urlsplit(_single_slash(target)).query).get("token", [""])
    return Credential("", tokens[0].encode()[:MAX_CREDENTIAL_LENGTH])


def _basic(authorization: str) -> Credential:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise BadHandshakeError(401, "only HTTP Basic authorization is understood")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadHandshakeError(401, "the Basic authorization is not base64") from None
    # The password may hold any bytes, colons too (quirk 7); the name is up to the first colon.
    username, _, secret = decoded.partition(b":")
    if len(secret) > MAX_CREDENTIAL_LENGTH:
        raise BadHandshakeError(401, "the password is longer than any of ours")
    return Credential(username.decode("utf-8", "replace"), secret)
