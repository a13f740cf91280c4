"""The monitors of stations, by what is sent to them and what they answer."""

from csms.station.v1 import command_service_pb2, device_model_pb2, monitoring_service_pb2
from csms.station.v1 import monitoring_pb2 as pb
from csms.station.v1.monitoring_service_pb2_grpc import MonitoringServiceStub
from csms.station.v1.station_pb2 import Variable

from tests.station_svc.answers import answering
from tests.station_svc.conftest import StationSystem


def _monitor(component: str = "C", monitor_id: int | None = None) -> pb.Monitor:
    variable = Variable(component=component, variable="V")
    return pb.Monitor(variable=variable, type=pb.MONITOR_TYPE_DELTA, value=1, monitor_id=monitor_id)


async def _set(system: StationSystem, *accepted: pb.Monitor) -> pb.SetVariableMonitoringRequest:
    """Sets monitors, which the station accepts by the numbers that they have; returns what the gateway was sent."""
    results = [pb.SetMonitorResult(status=pb.SET_MONITORING_STATUS_ACCEPTED, monitor=one) for one in accepted]
    answer = pb.SetVariableMonitoringResponse(results=results)
    system.gateway.behave = answering(lambda _sent: answer)
    await system.commands.SetVariableMonitoring(
        pb.SetVariableMonitoringRequest(station_id="CP1", monitors=[_monitor() for _one in accepted])
    )
    return system.gateway.calls[-1].set_variable_monitoring


async def _numbers(system: StationSystem, filter_text: str = "") -> list[int]:
    stub = MonitoringServiceStub(system.operators)
    request = monitoring_service_pb2.ListMonitorsRequest(station_id="CP1", filter=filter_text)
    return [one.monitor_id for one in (await stub.ListMonitors(request)).monitors]


async def test_monitors_that_the_station_accepted_are_listed(system: StationSystem) -> None:
    """Until they are cleared; one that the station does not know counts as cleared."""
    await system.open("CP1")
    await _set(system, _monitor("A", 1), _monitor("B", 2), _monitor("C", 3))
    assert await _numbers(system) == [1, 2, 3]
    assert await _numbers(system, "component = B") == [2]
    statuses = (
        pb.CLEAR_MONITORING_STATUS_ACCEPTED,
        pb.CLEAR_MONITORING_STATUS_REJECTED,
        pb.CLEAR_MONITORING_STATUS_NOT_FOUND,
    )
    results = [pb.ClearMonitorResult(monitor_id=number, status=status) for number, status in enumerate(statuses, 1)]
    answer = pb.ClearVariableMonitoringResponse(results=results)
    system.gateway.behave = answering(lambda _sent: answer)
    await system.commands.ClearVariableMonitoring(
        pb.ClearVariableMonitoringRequest(station_id="CP1", monitor_ids=[1, 2, 3])
    )
    assert await _numbers(system) == [2]


async def test_commands_keep_within_the_limits_that_the_station_reported(system: StationSystem) -> None:
    """The limits of the action, in number and in bytes; nothing is made up where they are not known."""
    await system.open("CP1")
    sent = await _set(system, _monitor("A", 1))
    assert (sent.items_per_message, sent.bytes_per_message) == (0, 0)
    limits = [
        Variable(component="MonitoringCtrlr", variable=name, variable_instance=action, value=value)
        for name, action, value in (
            ("ItemsPerMessage", "SetVariableMonitoring", "4"),
            ("BytesPerMessage", "SetVariableMonitoring", "9000"),
            ("ItemsPerMessage", "ClearVariableMonitoring", "7"),
        )
    ]
    read = command_service_pb2.GET_VARIABLE_STATUS_ACCEPTED
    answer = command_service_pb2.GetVariablesResponse(
        results=[command_service_pb2.GetVariableResult(status=read, variable=one) for one in limits]
    )
    system.gateway.behave = answering(lambda _sent: answer)
    await system.commands.GetVariables(
        command_service_pb2.GetVariablesRequest(station_id="CP1", variables=limits, items_per_message=9)
    )
    sent = await _set(system, _monitor("A", 1))
    assert (sent.items_per_message, sent.bytes_per_message) == (4, 9000)


async def test_a_smaller_base_removes_the_monitors_that_were_set_from_here(system: StationSystem) -> None:
    """ALL removes none."""
    await system.open("CP1")
    await _set(system, _monitor("A", 1))
    answer = pb.SetMonitoringBaseResponse(status=device_model_pb2.DEVICE_MODEL_STATUS_ACCEPTED)
    system.gateway.behave = answering(lambda _sent: answer)
    for base, left in ((pb.MONITORING_BASE_ALL, [1]), (pb.MONITORING_BASE_HARD_WIRED_ONLY, [])):
        await system.commands.SetMonitoringBase(pb.SetMonitoringBaseRequest(station_id="CP1", monitoring_base=base))
        assert await _numbers(system) == left
