"""Keys of 1.6 and variables of 2.x that mean the same."""

from mesh.contract.standard_variables import KEY_COMPONENT, KEYS, STANDARD_VARIABLES, standard_of


def test_no_two_keys_are_one_variable() -> None:
    assert len(KEYS) == len(STANDARD_VARIABLES)
    assert {standard_of(KEY_COMPONENT, key.upper()) for key in STANDARD_VARIABLES} == set(KEYS)


def test_a_variable_of_2_is_no_key() -> None:
    assert standard_of("OCPPCommCtrlr", "HeartbeatInterval") is None
    assert standard_of(KEY_COMPONENT, "AvailabilityState") is None
