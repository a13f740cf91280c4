"""The marks that tests of cases must not have are found, wherever they stand."""

import pytest

from tests.certification.case_files import CaseTest, cases_in

_CASE = "async def test_tc_1_csms() -> None:\n    assert True\n"


@pytest.mark.parametrize(
    "source",
    [
        f"@pytest.mark.skip(reason='later')\n{_CASE}",
        f"@pytest.mark.skip\n{_CASE}",
        f"@pytest.mark.xfail(strict=False)\n@pytest.mark.other\n{_CASE}",
        f"@pytest.mark.skipif(\n    True, reason='here'\n)\n{_CASE}",
        f"@mark.xfail\n{_CASE}",
        f"pytestmark = [pytest.mark.asyncio, pytest.mark.xfail]\n{_CASE}",
        f"later = pytest.mark.skip\n@later\n{_CASE}",
        f"{_CASE}    pytest.skip('here')\n",
        f"{_CASE}    if True:\n        xfail('here')\n",
    ],
)
def test_a_case_that_is_skipped_or_may_fail_is_found(source: str) -> None:
    assert list(cases_in(source)) == [CaseTest(name="1", is_held=False)]


def test_words_in_texts_are_no_marks_nor_are_those_of_other_tests() -> None:
    source = f"'xfail'\n@pytest.mark.xfail\ndef test_other() -> None: ...\n{_CASE}    'skip'\n"
    assert list(cases_in(source)) == [CaseTest(name="1", is_held=True)]
