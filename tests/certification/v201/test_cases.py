"""The cases that have tests are those of the list, once each; blocks that are whole have all of theirs."""

from pathlib import Path

from tests.certification.case_files import case_tests
from tests.certification.v201.cases import CASES, WHOLE


def _found() -> list[str]:
    return [one.name.upper() for one in case_tests(Path(__file__).parent)]


def _cases(blocks: frozenset[str] | set[str]) -> set[str]:
    return {f"{block}_{number}" for block in blocks for number in CASES[block].split()}


def test_each_test_is_of_a_case_and_none_is_there_twice() -> None:
    found = _found()
    assert len(found) == len(set(found))
    assert set(found) <= _cases(set(CASES))
    assert len(_cases(set(CASES))) == 252


def test_blocks_that_are_whole_have_all_their_tests() -> None:
    assert _cases(set(WHOLE)) <= set(_found())


def test_no_case_is_skipped_or_may_fail() -> None:
    assert [one.name for one in case_tests(Path(__file__).parent) if not one.is_held] == []
