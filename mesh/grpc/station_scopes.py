"""The scope of a caller at the edge of an operator service: a station outside of it does not exist."""

from typing import Any, Protocol

import grpc

from mesh.identity.callers import Scope
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError


class StationScopes(Protocol):
    """Where a service's stations stand."""

    async def contains(self, tenant_id: str, station_id: str, scope: Scope) -> bool:
        """Whether a scope covers a station; False for one that does not exist, or whose place is not known."""


ALL_STATIONS = "-"
"""Names all stations within the caller's scope where a request may name all (SCOPE_RULE_STATION_OR_ALL, AIP-159)."""


def station_of(request: Any) -> str:
    """The station that a request names, as `station_id` or as `station.station_id` (SCOPE_RULE_STATION)."""
    named = request if "station_id" in request.DESCRIPTOR.fields_by_name else request.station
    station_id: str = named.station_id
    return station_id


async def check_station(scopes: StationScopes, request: Any, tenant_id: str, scope: Scope) -> None:
    """Raises MeshError STATION_NOT_FOUND unless the scope covers the station of a request."""
    station_id = station_of(request)
    if not scope.is_whole and not await scopes.contains(tenant_id, station_id, scope):
        raise MeshError(grpc.StatusCode.NOT_FOUND, Reason.STATION_NOT_FOUND, f"there is no station {station_id!r}")


def scope_too_narrow() -> MeshError:
    """PERMISSION_DENIED, reason SCOPE_TOO_NARROW: the method is about the tenant as a whole."""
    return MeshError(
        grpc.StatusCode.PERMISSION_DENIED,
        Reason.SCOPE_TOO_NARROW,
        "this needs a permission for the whole tenant; yours covers parts of it",
    )
