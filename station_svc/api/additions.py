"""Stations that operators add, one by one or by the table, with generated or given credentials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from csms.station.v1 import station_pb2, station_service_pb2

from mesh.audit import entries as audit
from mesh.database.engine import Database
from mesh.identity.callers import Scope, current_caller, current_scope
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock
from station_svc.api import change_store, newcomers
from station_svc.api.change_store import NewStation
from station_svc.api.newcomers import Line, Newcomer
from station_svc.api.resource import to_strength
from station_svc.core.digests import StoredCredential, make_credential, store_credential
from station_svc.core.placement_store import check_site
from station_svc.core.profiles import BY_CERTIFICATE, NO_PROOF
from station_svc.core.site_store import SitePlacement, find_sites, storable_site
from station_svc.features.credentials.imported_passwords import store_hash
from station_svc.features.credentials.password_checks import Proofs


class StationAdditions:
    """Adds stations. `max_stations` has the most of each tenant, 0 for any number."""

    def __init__(self, *, database: Database, clock: Clock, proofs: Proofs, max_stations: Callable[[str], int]) -> None:
        self._database = database
        self._clock = clock
        self._proofs = proofs
        self._max_stations = max_stations

    async def add(self, request: station_service_pb2.CreateStationRequest) -> str:
        """Adds one; returns the credential that was made for it, if one was.

        Raises MeshError INVALID_FIELD, STATION_EXISTS, SERIAL_NUMBER_EXISTS or TENANT_QUOTA_REACHED.
        """
        newcomer = Newcomer(
            station_id=request.station_id,
            display_name=request.display_name,
            security_profile=request.security_profile if request.HasField("security_profile") else 1,
            password=request.credential,
            password_hash=request.credential_hash,
            site_id=storable_site(request.site_id),
            labels=dict(request.labels),
        )
        newcomers.check(newcomer)
        [(new, credential)] = await self._prepare([newcomer])
        added = await self._write([new])
        if not added:
            found = await self._refusals([new.station_id])
            raise found.get(new.station_id, newcomers.exists(new.station_id))
        return credential

    async def add_table(
        self, request: station_service_pb2.ImportStationsRequest
    ) -> station_service_pb2.ImportStationsResponse:
        """Adds those of a table that can be added, and reports on each.

        Raises MeshError INVALID_FIELD, or TENANT_QUOTA_REACHED: then none is added.
        """
        lines = await self._check_sites(newcomers.read_table(request.csv))
        wanted = [line.newcomer for line in lines if isinstance(line.newcomer, Newcomer)]
        refused = await self._refusals([one.station_id for one in wanted])
        prepared = await self._prepare([one for one in wanted if one.station_id not in refused])
        added = {new.station_id for new, _credential in prepared}
        if request.validate_only or not prepared:
            audit.unchanged()
        if not request.validate_only:
            added = await self._write([new for new, _credential in prepared])
        credentials = {new.station_id: (new.credential, credential) for new, credential in prepared}
        response = station_service_pb2.ImportStationsResponse()
        for line in lines:
            one = response.stations.add(line=line.number, station_id=line.station_id)
            if isinstance(line.newcomer, MeshError):
                one.error.CopyFrom(line.newcomer.to_status())
            elif line.station_id not in added:
                error = refused.get(line.station_id, newcomers.exists(line.station_id))
                one.error.CopyFrom(error.to_status())
            else:
                stored, credential = credentials[line.station_id]
                one.credential_strength = _strength(stored)
                one.credential = "" if request.validate_only else credential
        response.refused_count = sum(one.HasField("error") for one in response.stations)
        response.added_count = len(lines) - response.refused_count
        return response

    async def _check_sites(self, lines: Sequence[Line]) -> Sequence[Line]:
        """The lines; one with a site that a station cannot be placed in is refused."""
        site_ids = {line.newcomer.site_id for line in lines if isinstance(line.newcomer, Newcomer)} - {""}
        tenant_id, scope = current_caller().tenant_id, current_scope()
        if not site_ids and scope.is_whole:
            return lines
        sites = await self._database.read(lambda connection: find_sites(connection, tenant_id, site_ids))
        return [_placed(line, sites, scope) for line in lines]

    async def _prepare(self, wanted: Sequence[Newcomer]) -> list[tuple[NewStation, str]]:
        """Each station as it is stored, and the credential that is made where there is none."""
        brought = [one for one in wanted if one.password]
        hashed = await self._proofs.hash([(one.password, one.station_id) for one in brought])
        stored = dict(zip((one.station_id for one in brought), hashed, strict=True))
        return [_prepared(one, stored.get(one.station_id)) for one in wanted]

    async def _refusals(self, station_ids: Sequence[str]) -> Mapping[str, MeshError]:
        """The errors of stations that cannot be added, as it is now."""
        find = partial(change_store.refusals, tenant_id=current_caller().tenant_id, station_ids=station_ids)
        return await self._database.read(find)

    async def _write(self, stations: Sequence[NewStation]) -> set[str]:
        if not stations:
            return set()
        tenant_id = current_caller().tenant_id
        add = partial(
            change_store.create_stations,
            caller=current_caller(),
            scope=current_scope(),
            stations=stations,
            max_stations=self._max_stations(tenant_id),
            now_us=self._clock(),
        )
        return await self._database.write(add)


def _placed(line: Line, sites: Mapping[str, SitePlacement], scope: Scope) -> Line:
    if isinstance(line.newcomer, Newcomer):
        try:
            check_site(line.newcomer.site_id, sites, scope)
        except MeshError as error:
            return replace(line, newcomer=error)
    return line


def _prepared(newcomer: Newcomer, stored: StoredCredential | None) -> tuple[NewStation, str]:
    credential = ""
    if stored is None and newcomer.password_hash:
        stored = store_hash("credential_hash", newcomer.password_hash)
    elif stored is None and newcomer.security_profile not in (NO_PROOF, BY_CERTIFICATE):
        credential = make_credential()
        stored = store_credential(credential.encode())
    new = NewStation(
        station_id=newcomer.station_id,
        display_name=newcomer.display_name,
        security_profile=newcomer.security_profile,
        credential=stored or StoredCredential(),
        site_id=newcomer.site_id,
        labels=newcomer.labels,
    )
    return new, credential


def _strength(stored: StoredCredential) -> station_pb2.CredentialStrength.ValueType:
    return to_strength(stored.salt, has_credential=bool(stored.digest))
