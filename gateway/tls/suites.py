"""The cipher suites of stations: OCPP 2.0.1 part 2, A00.FR.318 and A00.FR.319; 1.6 security whitepaper, section 3.

TLS 1.3 has suites of its own, which all are good.
"""

from collections.abc import Mapping

# By OpenSSL's name (BoringSSL's, of Envoy, is the same), in the order of preference. The last two are without forward
# secrecy: the standard has them for stations that can do nothing else.
_SUITES_OF_1_2: Mapping[str, str] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "AES128-GCM-SHA256": "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
}

OPENSSL_CIPHERS = ":".join(_SUITES_OF_1_2)
"""The suites of TLS 1.2, as OpenSSL takes them."""


def iana_name(name: str) -> str:
    """The IANA name of a suite that OpenSSL or BoringSSL names; those of TLS 1.3 have no other."""
    return _SUITES_OF_1_2.get(name, name)
