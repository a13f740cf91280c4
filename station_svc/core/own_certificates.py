"""Certificates that auth_svc signed for stations: whether one of them still proves its station. Pure.

OCPP 2.0.1 part 2, A02: it was signed over a connection that proved the station, for the station that is there now and
the board that it has. auth_svc alone knows what was signed here, by fingerprints: the authority of another party
chooses any serial number.
"""

from typing import Any

from station_svc.core.profiles import NO_PROOF


def is_current(issue_us: int | None, row: Any) -> bool:
    """Whether a certificate was signed here, at `issue_us` (microseconds), and still proves the station of a row.

    One of another party's authority (None) was not signed here. The row has `security_profile`, `create_us` and
    `certificates_from_us`. A station of profile 0 is anybody, so that what it was given proves nothing.
    """
    if issue_us is None or row.security_profile == NO_PROOF:
        return False
    return bool(issue_us >= max(row.create_us, row.certificates_from_us))


def is_outdated(issue_us: int | None, row: Any) -> bool:
    """Whether a certificate was signed here and proves the station no more."""
    return issue_us is not None and not is_current(issue_us, row)
