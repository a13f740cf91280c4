"""The limits of the front door, and its port for stations alone."""

import json
from dataclasses import dataclass
from typing import Self

from mesh.runtime.settings import Environment

# With a port for stations alone the other one is for operators; a station takes two file descriptors.
_FRONT_DOOR_CONNECTIONS = 16_384
_STATION_CONNECTIONS = 100_000
_MOST_CONNECTIONS = 1_000_000
# A caller's bucket has so many seconds' worth of its rate.
_BURST_S = 5
# Networks whose buckets are remembered; the least recently used one is forgotten.
_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class EnvoyLimits:
    """Limits of the front door. Its two listeners count their connections apart."""

    station_port: int | None = None  # of the listener for stations alone; None: there is none
    connections: int = _STATION_CONNECTIONS
    station_connections: int = _STATION_CONNECTIONS
    requests_per_address_s: int = 500  # of operators; 0: no limit
    request_timeout_s: int = 60  # from the first byte of a request to its last
    trusted_proxies: int = 0  # in front of Envoy: so many addresses of X-Forwarded-For are theirs

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        port = env.port("CSMS_STATION_PORT", 0) if env.optional("CSMS_STATION_PORT") is not None else None
        default = _STATION_CONNECTIONS if port is None else _FRONT_DOOR_CONNECTIONS
        return cls(
            station_port=port,
            connections=env.number("CSMS_HTTP_CONNECTIONS", default, least=10, most=_MOST_CONNECTIONS),
            station_connections=env.number(
                "CSMS_STATION_CONNECTIONS", _STATION_CONNECTIONS, least=1, most=_MOST_CONNECTIONS
            ),
            requests_per_address_s=env.number("CSMS_REQUESTS_PER_ADDRESS_S", 500, most=100_000),
            # Longer than the gateway may take for a handshake, with the delay of a refusal.
            request_timeout_s=env.number("CSMS_REQUEST_TIMEOUT_S", 60, least=30, most=3_600),
            trusted_proxies=env.number("CSMS_TRUSTED_PROXIES", 0, most=16),
        )

    @property
    def all_connections(self) -> int:
        """The connections of both listeners together."""
        return self.connections + (0 if self.station_port is None else self.station_connections)

    def address_buckets(self) -> dict[str, str]:
        """The values of the template for the limit by address."""
        burst, per_s = self.requests_per_address_s * _BURST_S, self.requests_per_address_s
        bucket = {"max_tokens": burst, "tokens_per_fill": per_s, "fill_interval": "1s"}
        return {"bucket": json.dumps(bucket), "remembered": str(_REMEMBERED)}
