"""The answer to a boot says how often the station repeats messages about transactions, by its variables."""

import pytest
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.station_pb2 import Variable

from tests.conftest import FakeClock
from tests.station_svc.answers import answering
from tests.station_svc.conftest import StationSystem


def _attempts_16(value: str) -> Variable:
    return Variable(component="ChargingStation", variable="TransactionMessageAttempts", value=value)


def _interval_16(value: str) -> Variable:
    return Variable(component="ChargingStation", variable="TransactionMessageRetryInterval", value=value)


def _attempts_201(value: str, *, instance: str = "TransactionEvent", attribute: str = "") -> Variable:
    return Variable(
        component="OCPPCommCtrlr",
        variable="MessageAttempts",
        variable_instance=instance,
        attribute_type=attribute,
        value=value,
    )


def _interval_201(value: str) -> Variable:
    return Variable(
        component="OCPPCommCtrlr", variable="MessageAttemptInterval", variable_instance="TransactionEvent", value=value
    )


async def _read(system: StationSystem, *variables: Variable) -> None:
    """An operator reads variables of CP1, which answers with these."""
    accepted = pb.GET_VARIABLE_STATUS_ACCEPTED
    results = [pb.GetVariableResult(status=accepted, variable=variable) for variable in variables]
    system.gateway.behave = answering(lambda _request: pb.GetVariablesResponse(results=results))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))


def _told(result: ingest_pb2.BootResult) -> tuple[int, int] | None:
    """Attempts and interval; None where neither is there."""
    assert result.HasField("message_attempts") == result.HasField("message_attempt_interval_s")
    if not result.HasField("message_attempts"):
        return None
    return result.message_attempts, result.message_attempt_interval_s


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ([_attempts_16(" 3 "), _interval_16("60")], (3, 60)),
        ([_attempts_201("5"), _interval_201("0")], (5, 0)),
        ([_attempts_16("3"), _interval_16("60"), _attempts_201("5"), _interval_201("10")], (5, 10)),
        ([_attempts_201("5"), _interval_201("10"), _attempts_16("3"), _interval_16("60")], (3, 60)),
        ([_attempts_16("3"), _interval_16("60"), _attempts_201("5")], (3, 60)),
        ([_attempts_16("3"), _interval_201("10")], None),
        ([_attempts_16("3")], None),
        ([_attempts_16("three"), _interval_16("60")], None),
        ([_attempts_16(""), _interval_16("60")], None),
        ([_attempts_16("3"), _interval_16("-1")], None),
        ([_attempts_16("3"), _interval_16("12345678901")], None),
        ([_attempts_201("5", instance="Other"), _interval_201("10")], None),
        ([_attempts_201("5", attribute="MaxSet"), _interval_201("10")], None),
        ([], None),
    ],
)
async def test_a_boot_is_answered_with_what_is_known(
    system: StationSystem, clock: FakeClock, variables: list[Variable], expected: tuple[int, int] | None
) -> None:
    """Both variables of one OCPP version, where they are numbers; of two such pairs the one that was reported last."""
    first, second = await system.open("CP1"), await system.open("CP2")
    for variable in variables:
        await _read(system, variable)
        clock.advance(1)
    one, other = await system.boot(system.boot_item("CP1", first), system.boot_item("CP2", second))
    assert (_told(one), _told(other)) == (expected, None)


async def test_what_is_set_counts_from_the_next_boot(system: StationSystem) -> None:
    """A variable that an operator sets is known as one that was read."""
    epoch = await system.open("CP1")
    await _read(system, _attempts_16("3"), _interval_16("60"))
    [before] = await system.boot(system.boot_item("CP1", epoch))
    result = pb.SetVariableResult(status=pb.SET_VARIABLE_STATUS_ACCEPTED, variable=_interval_16("600"))
    system.gateway.behave = answering(lambda _request: pb.SetVariablesResponse(results=[result]))
    await system.commands.SetVariables(pb.SetVariablesRequest(station_id="CP1", variables=[_interval_16("600")]))
    [after] = await system.boot(system.boot_item("CP1", epoch))
    assert (_told(before), _told(after)) == ((3, 60), (3, 600))
