"""The cipher suites of our servers: OCPP 2.0.1 part 2, A00.FR.318 and A00.FR.319; 1.6 security whitepaper, section 3.

TLS 1.3 has suites of its own, which all are good.
"""

from collections.abc import Mapping

# By OpenSSL's name (BoringSSL's, of Envoy, is the same), in the order of preference.
_WITH_FORWARD_SECRECY: Mapping[str, str] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
}
# The standard has them for stations that can do nothing else.
_WITHOUT: Mapping[str, str] = {
    "AES128-GCM-SHA256": "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
}
_IANA_NAMES = {**_WITH_FORWARD_SECRECY, **_WITHOUT}

OPERATOR_SUITES = tuple(_WITH_FORWARD_SECRECY)
"""The suites of TLS 1.2 for browsers and programs."""
STATION_SUITES = (*_WITH_FORWARD_SECRECY, *_WITHOUT)
"""The suites of TLS 1.2 for stations."""


def iana_name(name: str) -> str:
    """The IANA name of a suite that OpenSSL or BoringSSL names; those of TLS 1.3 have no other."""
    return _IANA_NAMES.get(name, name)
