"""The cases that have tests are those of the list, once each; blocks that are whole have all of theirs."""

import re
from pathlib import Path

from tests.certification.v201.cases import CASES, WHOLE

_TEST = re.compile(r"^async def test_tc_([a-p]_\d+)_csms\(", re.MULTILINE)


def _found() -> list[str]:
    texts = [path.read_text() for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    return [name.upper() for text in texts for name in _TEST.findall(text)]


def _cases(blocks: frozenset[str] | set[str]) -> set[str]:
    return {f"{block}_{number}" for block in blocks for number in CASES[block].split()}


def test_each_test_is_of_a_case_and_none_is_there_twice() -> None:
    found = _found()
    assert len(found) == len(set(found))
    assert set(found) <= _cases(set(CASES))
    assert len(_cases(set(CASES))) == 252


def test_blocks_that_are_whole_have_all_their_tests() -> None:
    assert _cases(set(WHOLE)) <= set(_found())
