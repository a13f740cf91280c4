"""The ports at which stations and operators come in."""

from dataclasses import dataclass
from itertools import combinations
from typing import Self

from deploy.local.ports import Reservation
from deploy.local.settings import RunSettings
from mesh.runtime.startup_errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Entrances:
    """The ports of a run; those that it does not have are None."""

    http: Reservation  # the front door
    ocpp: Reservation  # the gateway
    stations: Reservation | None  # the front door, for stations alone
    ocpp_tls: Reservation | None  # the gateway, with TLS
    stations_tls: Reservation | None  # the front door, for stations alone, with TLS

    @classmethod
    def reserve(cls, settings: RunSettings) -> Self:
        """Reserves them. Raises SettingError where one is in use, or two have one number."""
        wanted = {
            "http": ("CSMS_HTTP_PORT", settings.http_port),
            "ocpp": ("CSMS_OCPP_PORT", settings.ocpp_port),
            "stations": ("CSMS_STATION_PORT", settings.envoy_limits.station_port),
            "ocpp_tls": ("CSMS_OCPP_TLS_PORT", settings.ocpp_tls_port),
            "stations_tls": ("CSMS_STATION_TLS_PORT", settings.tls.station_port),
        }
        numbers = {setting: port for setting, port in wanted.values() if port is not None}
        for (one, port), (other, number) in combinations(numbers.items(), 2):
            if port == number != 0:
                raise SettingError(f"{one} and {other} are both {port}: each needs a port of its own")
        hosts = {"ocpp": settings.ocpp_host}
        held = {
            name: None if port is None else Reservation(hosts.get(name, settings.host), port, setting=setting)
            for name, (setting, port) in wanted.items()
        }
        http, ocpp = held["http"], held["ocpp"]
        assert http is not None  # noqa: S101 - these two are always wanted
        assert ocpp is not None  # noqa: S101
        return cls(
            http=http,
            ocpp=ocpp,
            stations=held["stations"],
            ocpp_tls=held["ocpp_tls"],
            stations_tls=held["stations_tls"],
        )

    def release_envoy(self) -> None:
        """Lets Envoy have its ports."""
        _release(self.http, self.stations, self.stations_tls)

    def release_gateway(self) -> None:
        """Lets the gateway have its ports."""
        _release(self.ocpp, self.ocpp_tls)


def _release(*ports: Reservation | None) -> None:
    for port in ports:
        if port is not None:
            port.release()
