"""Security profiles of stations, and the names by which a certificate proves one. Pure.

OCPP 1.6 security whitepaper, 2; 2.0.1 part 2, A00: 1 is HTTP Basic, 2 is Basic over TLS, 3 is a client certificate.
"""

from collections.abc import Collection

NO_PROOF, BASIC, BASIC_OVER_TLS, BY_CERTIFICATE = 0, 1, 2, 3
PROFILES = (NO_PROOF, BASIC, BASIC_OVER_TLS, BY_CERTIFICATE)


def is_named_by(common_name: str, *, station_id: str, serial_numbers: Collection[str], is_signed_here: bool) -> bool:
    """Whether a certificate of this common name is the station's (A00.FR.405).

    The name is one of its serial numbers: the known one when it connects, those that it states when it boots (1.6 has
    two). It may be the station's identity where none is known yet, or where this system signed the certificate for this
    station: another station may have that text for a serial number, and a certificate for it from an authority that
    does not know our identities.
    """
    if common_name in serial_numbers:
        return True
    return bool(common_name) and common_name == station_id and (is_signed_here or not serial_numbers)
