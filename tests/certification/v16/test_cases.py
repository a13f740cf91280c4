"""Every case has its test, named by its id."""

import re
from pathlib import Path

from tests.certification.v16.cases import CASES

_TEST = re.compile(r"^(@pytest\.mark\.skip\(.*\)\n)?async def test_tc_(\w+)_csms\(", re.MULTILINE)


def test_every_case_has_one_test() -> None:
    """None is missing, none is there twice, and none is skipped."""
    texts = [path.read_text() for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    found = [(name, bool(skip)) for text in texts for skip, name in _TEST.findall(text)]
    assert sorted(name for name, _skip in found) == sorted(CASES)
    assert [name for name, skip in found if skip] == []
    assert len(CASES) == len(set(CASES)) == 75
