"""SimulatorService: what operators do to simulated stations, between protobuf and the fleet."""

import re
from collections.abc import Callable
from typing import TypeVar

import grpc
from csms.simulator.v1 import simulator_service_pb2 as pb
from csms.simulator.v1.simulator_service_pb2_grpc import SimulatorServiceServicer

from mesh.contract.tenants import DEFAULT_TENANT
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.logs import get_logger
from simulator.connector import Connector
from simulator.fleet import OCPP_VERSIONS, QUIRK_VERSIONS, NewStation, StationMaker, misbehave
from simulator.live_fleet import FleetFullError, LiveFleet
from simulator.misbehaviour import QUIRKS
from simulator.runner import Runner
from simulator.vehicle import Vehicle
from simulator.views import ERROR_CODES, to_message

log = get_logger(__name__)

_STATION_ID = re.compile(r"[A-Za-z0-9._-]{1,48}")
_MOST_ID_TAG = 20
_MOST_EVSES, _USUAL_EVSES = 16, 2
_USUAL_POWER_W = 22_000
_POWERS_W = range(1_000, 1_000_001)
_VEHICLE_POWERS_W, _CAPACITIES_WH = range(100, 1_000_001), range(1_000, 1_000_001)
_LONGEST_INTERVAL_S = 86_400
_SAMPLE_INTERVAL = "MeterValueSampleInterval"
_USUAL_VEHICLE = pb.SimulatedVehicle(capacity_wh=58_000, max_power_w=11_000, soc_percent=30, target_soc_percent=100)

Request = TypeVar(
    "Request",
    pb.PlugInRequest,
    pb.UnplugRequest,
    pb.PresentIdTokenRequest,
    pb.FaultRequest,
    pb.ClearFaultRequest,
)


class SimulatorServicer(SimulatorServiceServicer):
    """Serves operators of the default tenant, whose stations the simulated ones are; for others there are none."""

    def __init__(self, *, fleet: LiveFleet, maker: StationMaker) -> None:
        self._fleet = fleet
        self._maker = maker

    async def ListSimulatedStations(
        self, request: pb.ListSimulatedStationsRequest, context: Context
    ) -> pb.ListSimulatedStationsResponse:
        """Lists the stations by id."""
        del context
        page = page_of(request, (str,))
        after = "" if page.after is None else page.after[0]
        found = [one for one in self._fleet.all() if _id(one) > after] if _is_of_default_tenant() else []
        runners, token = page.cut(found[: page.limit], lambda runner: (_id(runner),))
        return pb.ListSimulatedStationsResponse(stations=map(to_message, runners), next_page_token=token)

    async def GetSimulatedStation(
        self, request: pb.GetSimulatedStationRequest, context: Context
    ) -> pb.GetSimulatedStationResponse:
        """Reads one station."""
        del context
        return pb.GetSimulatedStationResponse(station=to_message(self._find(request.station_id)))

    async def StartSimulatedStation(
        self, request: pb.StartSimulatedStationRequest, context: Context
    ) -> pb.StartSimulatedStationResponse:
        """Makes a station, or switches one on again."""
        del context
        _check_start(request)
        if not _is_of_default_tenant():
            raise _not_found(request.station_id)
        runner = self._fleet.find(request.station_id)
        try:
            if runner is None:
                runner = self._maker.new(_to_new(request))
                self._fleet.add(runner)
            else:
                await self._start_again(runner, request)
        except FleetFullError:
            raise MeshError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                Reason.TOO_MANY_SIMULATED_STATIONS,
                "as many simulated stations are switched on as may be: stop one first",
            ) from None
        _note("StartSimulatedStation", runner)
        return pb.StartSimulatedStationResponse(station=to_message(runner))

    async def StopSimulatedStation(
        self, request: pb.StopSimulatedStationRequest, context: Context
    ) -> pb.StopSimulatedStationResponse:
        """Switches a station off."""
        del context
        runner = self._find(request.station_id)
        await self._fleet.switch_off(request.station_id)
        _note("StopSimulatedStation", runner)
        return pb.StopSimulatedStationResponse(station=to_message(runner))

    async def PlugIn(self, request: pb.PlugInRequest, context: Context) -> pb.PlugInResponse:
        """Plugs a vehicle in."""
        del context
        vehicle = _to_vehicle(request.vehicle)

        def plug_in(_runner: Runner, connector: Connector) -> None:
            if connector.vehicle is not None:
                raise _refused(Reason.VEHICLE_PLUGGED_IN, "a vehicle is plugged in there already: unplug it first")
            connector.by_hand = True
            connector.plug_in(vehicle)

        return pb.PlugInResponse(station=self._act("PlugIn", request, plug_in))

    async def Unplug(self, request: pb.UnplugRequest, context: Context) -> pb.UnplugResponse:
        """Unplugs a vehicle, whoever plugged it in."""
        del context

        def unplug(_runner: Runner, connector: Connector) -> None:
            if connector.vehicle is None:
                raise _refused(Reason.NO_VEHICLE, "no vehicle is plugged in there")
            connector.unplug()
            connector.by_hand = False

        return pb.UnplugResponse(station=self._act("Unplug", request, unplug))

    async def PresentIdToken(self, request: pb.PresentIdTokenRequest, context: Context) -> pb.PresentIdTokenResponse:
        """Holds an id token to a reader."""
        del context
        id_tag = request.id_token
        if len(id_tag) > _MOST_ID_TAG or not id_tag.isprintable():
            raise invalid_field("id_token", f"1 to {_MOST_ID_TAG} printable characters are needed")
        station = self._act(
            "PresentIdToken", request, lambda runner, connector: runner.station.swipe(connector, id_tag)
        )
        return pb.PresentIdTokenResponse(station=station)

    async def Fault(self, request: pb.FaultRequest, context: Context) -> pb.FaultResponse:
        """Breaks an EVSE."""
        del context
        number = request.error_code or pb.SIMULATED_ERROR_CODE_OTHER_ERROR
        if number not in ERROR_CODES:
            raise invalid_field("error_code", "is none that the contract has")

        def fault(runner: Runner, connector: Connector) -> None:
            runner.station.set_faulted(connector.connector_id, faulted=True, error_code=ERROR_CODES[number])

        return pb.FaultResponse(station=self._act("Fault", request, fault))

    async def ClearFault(self, request: pb.ClearFaultRequest, context: Context) -> pb.ClearFaultResponse:
        """Mends an EVSE."""
        del context

        def mend(runner: Runner, connector: Connector) -> None:
            if connector.faulted:
                runner.station.set_faulted(connector.connector_id, faulted=False)

        return pb.ClearFaultResponse(station=self._act("ClearFault", request, mend))

    async def GoOffline(self, request: pb.GoOfflineRequest, context: Context) -> pb.GoOfflineResponse:
        """Cuts the line."""
        del context
        runner = self._find_on(request.station_id)
        runner.cut_line()
        _note("GoOffline", runner)
        return pb.GoOfflineResponse(station=to_message(runner))

    async def GoOnline(self, request: pb.GoOnlineRequest, context: Context) -> pb.GoOnlineResponse:
        """Mends the line."""
        del context
        runner = self._find_on(request.station_id)
        if runner.is_cut:
            runner.mend_line()
        _note("GoOnline", runner)
        return pb.GoOnlineResponse(station=to_message(runner))

    async def Misbehave(self, request: pb.MisbehaveRequest, context: Context) -> pb.MisbehaveResponse:
        """Sets the faults of behaviour."""
        del context
        quirks = frozenset[int](request.misbehaviours)
        if not quirks <= QUIRKS.keys():
            raise invalid_field("misbehaviours", "has one that the contract does not have")
        runner = self._find_on(request.station_id)
        if quirks and runner.ocpp_version not in QUIRK_VERSIONS:
            raise invalid_field("misbehaviours", f"stations of OCPP {runner.ocpp_version} have none")
        misbehave(runner, quirks)
        _note("Misbehave", runner, quirks=sorted(quirks))
        return pb.MisbehaveResponse(station=to_message(runner))

    async def _start_again(self, runner: Runner, request: pb.StartSimulatedStationRequest) -> None:
        has = len(runner.station.connectors)
        if request.evse_count not in (0, has):
            raise invalid_field("evse_count", f"this station has {has}, which cannot be changed")
        if request.ocpp_version not in ("", runner.ocpp_version):
            raise invalid_field("ocpp_version", f"this station speaks {runner.ocpp_version}, which cannot be changed")
        if not await self._fleet.switch_on(request.station_id):
            raise _refused(Reason.SIMULATED_STATION_RUNNING, f"{request.station_id} is switched on already")
        if request.HasField("drivers"):
            runner.station.is_driven = request.drivers
        if request.HasField("sample_interval_s"):
            runner.station.configuration.set(_SAMPLE_INTERVAL, str(request.sample_interval_s))

    def _act(self, name: str, request: Request, act: Callable[[Runner, Connector], None]) -> pb.SimulatedStation:
        """Does something at an EVSE of a station that is switched on; its reports leave at once."""
        runner = self._find_on(request.station_id)
        connector = runner.station.connectors.get(request.evse_id)
        if connector is None:
            raise invalid_field("evse_id", f"this station has 1 to {len(runner.station.connectors)}")
        act(runner, connector)
        runner.collect()
        _note(name, runner, evse_id=request.evse_id)
        return to_message(runner)

    def _find(self, station_id: str) -> Runner:
        runner = self._fleet.find(station_id) if _is_of_default_tenant() else None
        if runner is None:
            raise _not_found(station_id)
        return runner

    def _find_on(self, station_id: str) -> Runner:
        runner = self._find(station_id)
        if not runner.is_on:
            raise _refused(Reason.SIMULATED_STATION_STOPPED, f"{station_id} is switched off: start it first")
        return runner


def _is_of_default_tenant() -> bool:
    return current_caller().tenant_id == DEFAULT_TENANT


def _note(name: str, runner: Runner, **details: object) -> None:
    """The trace of a call, in place of an entry in the audit."""
    log.info("operator acts", method=name, station_id=_id(runner), caller=current_caller().subject, **details)


def _check_start(request: pb.StartSimulatedStationRequest) -> None:
    if not _STATION_ID.fullmatch(request.station_id):
        raise invalid_field("station_id", "1 to 48 letters, digits or ._- are needed")
    if not 0 <= request.evse_count <= _MOST_EVSES:
        raise invalid_field("evse_count", f"1 to {_MOST_EVSES} is needed")
    if request.max_power_w and request.max_power_w not in _POWERS_W:
        raise invalid_field("max_power_w", f"{_POWERS_W.start} to {_POWERS_W.stop - 1} is needed")
    if request.ocpp_version not in ("", *OCPP_VERSIONS):
        raise invalid_field("ocpp_version", f"simulated stations speak {' or '.join(OCPP_VERSIONS)}")
    if not 0 <= request.sample_interval_s <= _LONGEST_INTERVAL_S:
        raise invalid_field("sample_interval_s", f"0 to {_LONGEST_INTERVAL_S} is needed")


def _to_new(request: pb.StartSimulatedStationRequest) -> NewStation:
    return NewStation(
        station_id=request.station_id,
        evse_count=request.evse_count or _USUAL_EVSES,
        max_power_w=request.max_power_w or _USUAL_POWER_W,
        is_driven=request.drivers,
        sample_interval_s=request.sample_interval_s if request.HasField("sample_interval_s") else None,
        ocpp_version=request.ocpp_version or OCPP_VERSIONS[0],
    )


def _to_vehicle(given: pb.SimulatedVehicle) -> Vehicle:
    wanted = pb.SimulatedVehicle()
    wanted.CopyFrom(_USUAL_VEHICLE)
    wanted.MergeFrom(given)  # a field that is 0 is not set
    if wanted.capacity_wh not in _CAPACITIES_WH:
        raise invalid_field("vehicle.capacity_wh", f"{_CAPACITIES_WH.start} to {_CAPACITIES_WH.stop - 1} is needed")
    if wanted.max_power_w not in _VEHICLE_POWERS_W:
        raise invalid_field(
            "vehicle.max_power_w", f"{_VEHICLE_POWERS_W.start} to {_VEHICLE_POWERS_W.stop - 1} is needed"
        )
    for name in ("soc_percent", "target_soc_percent"):
        if not 0 <= getattr(wanted, name) <= 100:
            raise invalid_field(f"vehicle.{name}", "0 to 100 is needed")
    return Vehicle(
        capacity_wh=wanted.capacity_wh,
        max_power_w=wanted.max_power_w,
        soc=wanted.soc_percent / 100,
        target_soc=wanted.target_soc_percent / 100,
    )


def _refused(reason: Reason, message: str) -> MeshError:
    return MeshError(grpc.StatusCode.FAILED_PRECONDITION, reason, message)


def _not_found(station_id: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.SIMULATED_STATION_NOT_FOUND,
        f"there is no simulated station {station_id!r}: StartSimulatedStation makes one",
    )


def _id(runner: Runner) -> str:
    return runner.station.identity.station_id
