"""Words of OCPP that stand in the contract, beside the values of its enumerations."""

from typing import Any

import pytest
from csms.auth.v1.user_service_pb2 import Role
from csms.options.v1 import options_pb2
from csms.station.v1.command_service_pb2 import ResetType
from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from mesh.contract.options import contract_faults, ocpp_16_words, ocpp_words
from mesh.runtime.startup_errors import ContractError
from tests.mesh.contract.contracts import Change, changed


def _clear_word(enum: Any) -> None:
    enum.value[1].options.ClearExtension(options_pb2.ocpp_word)


def _repeat_word(enum: Any) -> None:
    enum.value[2].options.Extensions[options_pb2.ocpp_word] = "Immediate"


def _repeat_word_16(enum: Any) -> None:
    enum.value[2].options.Extensions[options_pb2.ocpp_16_word] = "Hard"


def _both(enum: Any) -> None:
    enum.value[1].options.Extensions[options_pb2.no_ocpp_word] = True


def _word_of_zero(enum: Any) -> None:
    enum.value[0].options.Extensions[options_pb2.ocpp_word] = "Nothing"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_clear_word, "RESET_TYPE_IMMEDIATE: states neither ocpp_word nor no_ocpp_word"),
        (_both, "RESET_TYPE_IMMEDIATE: states both ocpp_word and no_ocpp_word"),
        (_repeat_word, "csms.station.v1.ResetType: 2 values have the ocpp_word Immediate"),
        (_repeat_word_16, "csms.station.v1.ResetType: 2 values have the ocpp_16_word Hard"),
        (_word_of_zero, "RESET_TYPE_UNSPECIFIED: is the value with number 0, which never has an ocpp_word"),
    ],
)
def test_each_fault_is_found(change: Change, fault: str) -> None:
    """By `make check`, which test_options.py runs."""
    assert contract_faults(changed("ResetType", change)) == [fault]


def test_words_of_an_enumeration() -> None:
    """By version where they differ; an enumeration without words has no table."""
    assert ocpp_words(ResetType) == {"Immediate": 1, "OnIdle": 2}
    assert ocpp_16_words(ResetType) == {"Hard": 1, "Soft": 2}
    for table in (ocpp_words, ocpp_16_words):
        with pytest.raises(ContractError, match=r"csms\.auth\.v1\.Role: no value states"):
            table(Role)


def test_a_table_is_refused_where_a_value_has_no_word() -> None:
    """As gateway/ocpp/enums.py would be, which is imported before anything is served."""
    enum = EnumDescriptorProto(name="Light")
    for number, name in enumerate(("LIGHT_UNSPECIFIED", "LIGHT_ON", "LIGHT_OFF")):
        enum.value.add(name=name, number=number)
    enum.value[1].options.Extensions[options_pb2.ocpp_word] = "On"
    pool = DescriptorPool()
    pool.AddSerializedFile(FileDescriptorProto(name="light.proto", enum_type=[enum]).SerializeToString())
    with pytest.raises(ContractError, match="LIGHT_OFF: states neither ocpp_word nor no_ocpp_word"):
        ocpp_words(EnumTypeWrapper(pool.FindEnumTypeByName("Light")))  # type: ignore[no-untyped-call,unused-ignore]
