"""The server's root as operators change it: which stations hold it, and whether it may take the former one's place."""

from dataclasses import asdict
from functools import partial

import grpc
from csms.station.v1 import certificate_pb2, station_certificate_service_pb2
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.events import outbox
from mesh.identity.callers import Caller, Scope, current_caller, current_scope
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock
from station_svc.features.certificates import events, root_store
from station_svc.features.certificates.root_hashes import Root, read_root
from station_svc.features.certificates.root_store import Coverage

_KEY = (int, str, str, str)
_ALL_PERCENT = 100


class ServerRoots:
    """Serves the RPCs of the server's roots."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list(
        self, request: station_certificate_service_pb2.ListServerRootsRequest
    ) -> station_certificate_service_pb2.ListServerRootsResponse:
        """A page of the roots that stations hold."""
        page = page_of(request, _KEY)
        read = partial(root_store.list_roots, tenant_id=current_caller().tenant_id, scope=current_scope(), page=page)
        rows, token = page.cut(await self._database.read(read), lambda row: row.key)
        response = station_certificate_service_pb2.ListServerRootsResponse(next_page_token=token)
        for row in rows:
            named = asdict(row.hashes)
            response.server_roots.add(
                certificate_hash_data=certificate_pb2.CertificateHashData(**named), station_count=row.station_count
            )
        return response

    async def check(
        self, request: station_certificate_service_pb2.CheckServerRootRequest
    ) -> station_certificate_service_pb2.CheckServerRootResponse:
        """The stations that hold a root, and those that do not. Raises MeshError INVALID_FIELD."""
        root = read_root(request.certificate, "certificate", self._clock())
        read = partial(root_store.find_coverage, tenant_id=current_caller().tenant_id, scope=current_scope(), root=root)
        coverage = _to_coverage(await self._database.read(read))
        return station_certificate_service_pb2.CheckServerRootResponse(coverage=coverage)

    async def adopt(
        self, request: station_certificate_service_pb2.AdoptServerRootRequest
    ) -> station_certificate_service_pb2.AdoptServerRootResponse:
        """Records that a root is adopted. Raises MeshError INVALID_FIELD, SERVER_ROOT_NOT_HELD."""
        if not 0 <= request.least_percent <= _ALL_PERCENT:
            raise invalid_field("least_percent", f"is from 1 to {_ALL_PERCENT}; 0 means {_ALL_PERCENT}")
        now_us = self._clock()
        adopt = partial(
            _adopt,
            caller=current_caller(),
            scope=current_scope(),
            root=read_root(request.certificate, "certificate", now_us),
            least_percent=0 if request.force else request.least_percent or _ALL_PERCENT,
            now_us=now_us,
        )
        coverage = _to_coverage(await self._database.write(adopt))
        return station_certificate_service_pb2.AdoptServerRootResponse(coverage=coverage)


def _adopt(
    connection: Connection, *, caller: Caller, scope: Scope, root: Root, least_percent: int, now_us: int
) -> Coverage:
    coverage = root_store.find_coverage(connection, tenant_id=caller.tenant_id, scope=scope, root=root)
    if coverage.holding * _ALL_PERCENT < coverage.stations * least_percent:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.SERVER_ROOT_NOT_HELD,
            f"{coverage.holding} of {coverage.stations} stations hold this root, and {least_percent} % of them are to: "
            "the others would not connect any more. Install it at those that CheckServerRoot names (a rollout of "
            "install_certificate), or adopt it with `force`",
        )
    details = {"subject": root.subject, "stations": coverage.stations, "holding": coverage.holding}
    audit.acted(
        connection,
        tenant_id=caller.tenant_id,
        resource_type="server_root",
        resource=root.fingerprint,
        details=details,
        time_us=now_us,
    )
    event = events.root_adopted(tenant_id=caller.tenant_id, root=root, coverage=coverage, now_us=now_us)
    outbox.append(connection, [event])
    return coverage


def _to_coverage(found: Coverage) -> station_certificate_service_pb2.ServerRootCoverage:
    return station_certificate_service_pb2.ServerRootCoverage(
        station_count=found.stations,
        holding_count=found.holding,
        unreported_count=found.unreported,
        missing_station_ids=found.missing,
    )
