"""The header Origin of a handshake: a browser is no station.

A page of any site may have a browser open a WebSocket to an address that only the browser reaches, and a browser always
names that site. Stations need no Origin, and some send one all the same: ESP clients send
`file://`, others an invalid one. Those are admitted, and counted.
"""

import re
from collections.abc import Collection, Sequence

from gateway.websocket.handshake import BadHandshakeError

# As browsers write it (RFC 6454, 6.2): scheme, host, port where it is not the scheme's own, and nothing else.
_OF_A_PAGE = re.compile(
    r"(?:https?|[a-z-]{1,40}-extension)://(?:\[[0-9a-f:.]{2,45}\]|[^\s/?#@:\[\]\\]{1,255})(?::[0-9]{1,5})?",
    re.IGNORECASE,
)
SETTING = "CSMS_STATION_ORIGINS"


def is_origin(text: str) -> bool:
    """Whether this is the origin of a web page, in the form in which a browser writes it."""
    return _OF_A_PAGE.fullmatch(text) is not None


def check_origin(values: Sequence[str], allowed: Collection[str]) -> bool:
    """Whether a handshake has an Origin that a station has no use for. Raises BadHandshakeError 403 for a browser's.

    `values` are those of the header, one for each time it is there; `allowed` the pages that may connect, lower case.
    """
    # One value may hold several, by RFC 6454, 7.1, or where a proxy joined them.
    origins = [origin for value in values for origin in re.split(r"[\s,]+", value) if origin]
    pages = [origin for origin in origins if is_origin(origin)]
    if any(page.lower() not in allowed for page in pages):
        raise BadHandshakeError(
            403, f"a browser is no charge point: {SETTING} names the origins of pages that may connect all the same"
        )
    return bool(values) and not pages
