"""Every case has its test, named by its id."""

from pathlib import Path

from tests.certification.case_files import case_tests
from tests.certification.v16.cases import CASES


def test_every_case_has_one_test() -> None:
    """None is missing, none is there twice, and none is skipped or may fail."""
    found = case_tests(Path(__file__).parent)
    assert sorted(one.name for one in found) == sorted(CASES)
    assert [one.name for one in found if not one.is_held] == []
    assert len(CASES) == len(set(CASES)) == 75
