"""Simulated stations as the contract shows them. Pure."""

from collections.abc import Mapping

from csms.simulator.v1 import simulator_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from simulator.connector import Connector
from simulator.runner import Runner
from simulator.vehicle import Vehicle

_PREFIX = "SIMULATED_ERROR_CODE_"
# OCPP 1.6, ChargePointErrorCode.
ERROR_CODES: Mapping[int, str] = {
    pb.SIMULATED_ERROR_CODE_CONNECTOR_LOCK_FAILURE: "ConnectorLockFailure",
    pb.SIMULATED_ERROR_CODE_EV_COMMUNICATION_ERROR: "EVCommunicationError",
    pb.SIMULATED_ERROR_CODE_GROUND_FAILURE: "GroundFailure",
    pb.SIMULATED_ERROR_CODE_HIGH_TEMPERATURE: "HighTemperature",
    pb.SIMULATED_ERROR_CODE_INTERNAL_ERROR: "InternalError",
    pb.SIMULATED_ERROR_CODE_LOCAL_LIST_CONFLICT: "LocalListConflict",
    pb.SIMULATED_ERROR_CODE_OTHER_ERROR: "OtherError",
    pb.SIMULATED_ERROR_CODE_OVER_CURRENT_FAILURE: "OverCurrentFailure",
    pb.SIMULATED_ERROR_CODE_OVER_VOLTAGE: "OverVoltage",
    pb.SIMULATED_ERROR_CODE_POWER_METER_FAILURE: "PowerMeterFailure",
    pb.SIMULATED_ERROR_CODE_POWER_SWITCH_FAILURE: "PowerSwitchFailure",
    pb.SIMULATED_ERROR_CODE_READER_FAILURE: "ReaderFailure",
    pb.SIMULATED_ERROR_CODE_RESET_FAILURE: "ResetFailure",
    pb.SIMULATED_ERROR_CODE_UNDER_VOLTAGE: "UnderVoltage",
    pb.SIMULATED_ERROR_CODE_WEAK_SIGNAL: "WeakSignal",
}
_NUMBERS = {word: pb.SimulatedErrorCode.ValueType(number) for number, word in ERROR_CODES.items()}


def to_message(runner: Runner) -> pb.SimulatedStation:
    """A station as it is now."""
    station, identity = runner.station, runner.station.identity
    return pb.SimulatedStation(
        station_id=identity.station_id,
        state=_state(runner),
        vendor=identity.vendor,
        model=identity.model,
        serial_number=identity.serial_number,
        firmware_version=identity.firmware_version,
        ocpp_version=runner.ocpp_version,
        drivers=station.is_driven,
        sample_interval_s=station.configuration.number("MeterValueSampleInterval"),
        speed=runner.clock.speed,
        queued_message_count=len(runner.memory.transactions),
        misbehaviours=[pb.Misbehaviour.ValueType(number) for number in sorted(runner.quirks)],
        evses=[_evse(runner, connector) for connector in station.connectors.values()],
    )


def _state(runner: Runner) -> pb.SimulatedStationState.ValueType:
    if not runner.is_on:
        return pb.SIMULATED_STATION_STATE_STOPPED
    if runner.is_cut:
        return pb.SIMULATED_STATION_STATE_LINE_CUT
    if not runner.is_online:
        return pb.SIMULATED_STATION_STATE_CONNECTING
    return pb.SIMULATED_STATION_STATE_ONLINE if runner.memory.accepted else pb.SIMULATED_STATION_STATE_BOOTING


def _evse(runner: Runner, connector: Connector) -> pb.SimulatedEvse:
    message = pb.SimulatedEvse(
        evse_id=connector.connector_id,
        max_power_w=int(connector.supply.power_w),
        status=connector.status.value,
        register_wh=connector.meter.register_wh,
        power_w=connector.power_w,
        by_hand=connector.by_hand,
    )
    if connector.faulted:
        message.error_code = _NUMBERS.get(connector.error_code or "", pb.SIMULATED_ERROR_CODE_OTHER_ERROR)
    if connector.vehicle is not None:
        message.vehicle.CopyFrom(_vehicle(connector.vehicle))
    if (transaction := connector.transaction) is not None:
        message.transaction.transaction_id = runner.memory.names.get(transaction.key, "")
        message.transaction.id_token = transaction.id_tag
        start = Timestamp()
        start.FromDatetime(runner.station.to_real(transaction.started_ms))
        message.transaction.start_time.CopyFrom(start)
    return message


def _vehicle(vehicle: Vehicle) -> pb.SimulatedVehicle:
    return pb.SimulatedVehicle(
        capacity_wh=vehicle.capacity_wh,
        max_power_w=vehicle.max_power_w,
        soc_percent=round(100 * vehicle.soc, 1),
        target_soc_percent=round(100 * vehicle.target_soc, 1),
    )
