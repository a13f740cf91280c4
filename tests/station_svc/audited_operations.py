"""The changes of operators in station_svc, and those that follow from a station or from time, each with few names."""

from collections.abc import Mapping, Sequence
from typing import Any

from csms.common.v1 import id_token_pb2
from csms.station.v1 import reservation_pb2 as reservation
from csms.station.v1 import reservation_service_pb2 as reservation_pb
from csms.station.v1 import rollout_service_pb2 as rollout_pb
from csms.station.v1 import site_pb2, station_pb2
from csms.station.v1 import site_service_pb2 as site_pb
from csms.station.v1 import station_service_pb2 as station_pb
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import strategies as st

from mesh.runtime.times import SECOND_US, to_timestamp
from tests.replayed import changing_methods
from tests.station_svc.answers import answering
from tests.station_svc.conftest import StationSystem, access_token, attempt

STATIONS, SITES = ("CP1", "CP2"), ("berlin", "garage", "floor")
Metadata = Sequence[tuple[str, str]]

_few = st.sampled_from
_station, _site = _few(STATIONS), _few(SITES)
_somewhere, _number = _few(["", *SITES]), st.integers(0, 3)
_labels = st.dictionaries(_few(["fleet", "region"]), _few(["a", "b"]), max_size=2)
_of_station = st.fixed_dictionaries({"station_id": _station})
_reservation = st.fixed_dictionaries({"station_id": _station, "evse_id": st.integers(0, 2)})
_reserved = st.fixed_dictionaries({"station_id": _station, "reservation_id": st.integers(1, 3)})
_rollout = st.fixed_dictionaries({"number": _number})
_site_fields = st.fixed_dictionaries(
    {"site_id": _site},
    optional={
        "display_name": _few(["x", "Ö"]),
        "kind": _few(["floor", "building"]),
        "time_zone": _few(["", "Europe/Berlin"]),
        "labels": _labels,
        "coordinates": st.builds(site_pb2.Coordinates, latitude=_few([52.5, 0.0]), longitude=_few([13.4, 0.0])),
        "contact": st.builds(site_pb2.SiteContact, name=_few(["Ada", "Bob"])),
    },
)

OPERATIONS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "StationService/CreateStation": st.fixed_dictionaries(
        {"station_id": _station, "display_name": _few("ab")}, optional={"site_id": _somewhere, "labels": _labels}
    ),
    "StationService/ImportStations": st.fixed_dictionaries({"station_id": _station, "site_id": _somewhere}),
    "StationService/UpdateStation": st.fixed_dictionaries(
        {"station_id": _station},
        optional={
            "display_name": _few(["x", "y"]),
            "registration_status": _few([1, 2, 3]),
            "pinned_ocpp_version": _few(["1.6", "2.0.1"]),
            "expected_serial_number": _few(["SN-1", "SN-2"]),
            "security_profile": _few([1, 2]),
            "site_id": _somewhere,
            "labels": _labels,
        },
    ),
    "StationService/DeleteStation": _of_station,
    "CommandService/ReserveNow": _reservation,
    "CommandService/CancelReservation": _reserved,
    "ReservationService/CreateReservation": _reservation,
    "ReservationService/CancelReservation": _reserved,
    "RolloutService/CreateRollout": st.fixed_dictionaries({"display_name": _few(["", "all"]), "max_parallel": _number}),
    "RolloutService/PauseRollout": _rollout,
    "RolloutService/ResumeRollout": _rollout,
    "RolloutService/StopRollout": _rollout,
    "RolloutService/RetryRollout": st.fixed_dictionaries({"number": _number, "filter": st.just('station_id != ""')}),
    "SiteService/CreateSite": st.tuples(_site_fields, _somewhere).map(lambda two: two[0] | {"parent_site_id": two[1]}),
    "SiteService/UpdateSite": _site_fields,
    "SiteService/MoveSite": st.fixed_dictionaries({"site_id": _site, "parent_site_id": _somewhere}),
    "SiteService/DeleteSite": st.fixed_dictionaries({"site_id": _site}),
}
"""The values of each method that changes audited fields."""

OTHERS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "connect": _of_station,
    "fault": _of_station,
    "wait": st.just({}),
}
"""Operations of stations, and of time."""

_COMMAND = "a command has an entry before it is sent and one with its outcome; its effect is as the station reports it"
STATELESS: Mapping[str, str] = {
    **{
        name: _COMMAND
        for name in changing_methods("station")
        if name.startswith("CommandService/") and name not in OPERATIONS
    },
    "StationService/RotateCredential": "a secret, of which entries tell that it changed",
    "StationService/CloseConnection": "a connection is as the gateway reports it",
    "LocalListService/SyncLocalList": "a job that sends commands, each with entries of its own",
    "StationCertificateService/AdoptServerRoot": "a decision, which is recorded as an entry and an event alone",
}
"""The other methods of AUDIT_CHANGE, and why they change no audited field."""


def _answer(command: Any) -> Any:
    """The gateway's form of a station's answer, which accepts everything."""
    if isinstance(command, reservation.CancelReservationRequest):
        return reservation.CancelReservationResponse(status=reservation.CANCEL_RESERVATION_STATUS_ACCEPTED)
    assert isinstance(command, reservation.ReserveNowRequest)
    return reservation.ReserveNowResponse(
        status=reservation.RESERVE_NOW_STATUS_ACCEPTED, reservation_id=command.reservation_id
    )


class Operator:
    """Applies operations."""

    def __init__(self, system: StationSystem) -> None:
        system.gateway.behave = answering(_answer)
        self._system = system
        self._administrator = (("authorization", f"Bearer {access_token(role='ADMINISTRATOR')}"),)
        self._rollouts: list[str] = []
        self._epochs: dict[str, int] = {}

    async def apply(self, name: str, values: dict[str, Any]) -> None:
        """One operation of OPERATIONS or OTHERS. Raises AioRpcError where it is refused."""
        service, _, method = name.partition("/")
        if method:
            await getattr(self, f"_{service}")(method, values)
        else:
            await getattr(self, f"_{name}")(**values)

    async def _connect(self, station_id: str) -> None:
        [result] = await self._system.attempt(attempt(station_id))
        self._epochs[station_id] = result.epoch

    async def _fault(self, station_id: str) -> None:
        epoch = self._epochs.get(station_id)
        if epoch:
            faulted = station_pb2.CONNECTOR_STATUS_FAULTED
            await self._system.report(self._system.status_item(station_id, epoch, evse_id=0, status=faulted))

    async def _wait(self) -> None:
        self._system.clock.advance(1800)
        await self._system.lease()
        await self._system.housekeeper.end_due()

    async def _StationService(self, method: str, values: dict[str, Any]) -> None:
        if method == "ImportStations":
            values = {"csv": f"station_id,site_id\n{values['station_id']},{values['site_id']}\n"}
        elif method == "UpdateStation":
            mask = FieldMask(paths=sorted(values.keys() - {"station_id"}))
            values = {"station": station_pb2.Station(**values), "update_mask": mask}
        request = getattr(station_pb, f"{method}Request")(**values)
        await getattr(self._system.stations, method)(request)

    async def _CommandService(self, method: str, values: dict[str, Any]) -> None:
        if method == "ReserveNow":
            wanted = self._wanted(values["evse_id"])
            request: Any = reservation.ReserveNowRequest(
                station_id=values["station_id"],
                evse_id=wanted.evse_id,
                id_token=wanted.id_token,
                expire_time=wanted.expire_time,
            )
        else:
            request = reservation.CancelReservationRequest(**values)
        await getattr(self._system.commands, method)(request)

    async def _ReservationService(self, method: str, values: dict[str, Any]) -> None:
        stub = ReservationServiceStub(self._system.operators)
        if method == "CreateReservation":
            made = self._wanted(values["evse_id"])
            await stub.CreateReservation(
                reservation_pb.CreateReservationRequest(station_id=values["station_id"], reservation=made)
            )
        else:
            await stub.CancelReservation(reservation_pb.ReservationServiceCancelReservationRequest(**values))

    def _wanted(self, evse_id: int) -> reservation.Reservation:
        return reservation.Reservation(
            evse_id=evse_id,
            id_token=id_token_pb2.IdToken(id_token="TAG-1", type="ISO14443"),
            expire_time=to_timestamp(self._system.clock() + 3600 * SECOND_US),
        )

    async def _RolloutService(self, method: str, values: dict[str, Any]) -> None:
        stub: Any = RolloutServiceStub(self._system.operators)
        values = dict(values)
        if method == "CreateRollout":
            variable = station_pb2.Variable(component="ChargingStation", variable="HeartbeatInterval", value="30")
            work = rollout_pb.VariablesRollout(variables=[variable])
            request = rollout_pb.CreateRolloutRequest(filter='station_id != ""', variables=work, **values)
            self._rollouts.append((await stub.CreateRollout(request)).rollout.rollout_id)
        elif self._rollouts:
            name = self._rollouts[values.pop("number") % len(self._rollouts)]
            await getattr(stub, method)(getattr(rollout_pb, f"{method}Request")(rollout_id=name, **values))

    async def _SiteService(self, method: str, values: dict[str, Any]) -> None:
        if method == "CreateSite":
            values = {"site": site_pb2.Site(**values)}
        elif method == "UpdateSite":
            mask = FieldMask(paths=sorted(values.keys() - {"site_id"}))
            values = {"site": site_pb2.Site(**values), "update_mask": mask}
        request = getattr(site_pb, f"{method}Request")(**values)
        stub = SiteServiceStub(self._system.operators)
        await getattr(stub, method)(request, metadata=self._administrator)
