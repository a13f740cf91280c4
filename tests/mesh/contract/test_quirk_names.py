"""docs/QUIRKS.md against the names that are counted, and against the tests that it names."""

import re
from pathlib import Path

from mesh.contract.quirk_names import NUMBERS, QuirkName

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "QUIRKS.md").read_text()
FIELD = ROOT / "tests" / "gateway" / "field"


def _rows() -> list[list[str]]:
    """The rows of the tables, by cells, without their heads."""
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    return [row for row in rows if row[0] not in {"#", "---", "name"}]


def _numbered() -> dict[int, list[str]]:
    return {int(row[0]): row for row in _rows() if row[0].isdigit()}


def test_every_number_has_its_row_with_its_names() -> None:
    """1 to 34, each with the names that NUMBERS has for it, in their order."""
    assert list(_numbered()) == list(range(1, 35))
    for number, row in _numbered().items():
        names = [name.value for name, of in NUMBERS.items() if of == number]
        assert re.findall(r"`(\w+)`", row[3]) == names
        assert names or row[3] == "nothing to count"


def test_every_other_name_has_its_row() -> None:
    """Quirks without a number stand in the second table."""
    others = [row[0].strip("`") for row in _rows() if not row[0].isdigit()]
    assert others == [name.value for name in QuirkName if name not in NUMBERS]


def test_every_row_has_its_test() -> None:
    """The test that a row names is there, in the file that it names."""
    for number, row in _numbered().items():
        found = re.search(r"`(test_quirk_(\d\d))` in (test_\w+\.py)", " | ".join(row))
        assert found is not None, row
        name, digits, file = found.groups()
        assert int(digits) == number
        assert f"async def {name}_" in (FIELD / file).read_text()


def test_names_are_written_as_labels() -> None:
    """Lower case with underscores, each once: they are labels of metrics and keys of a map."""
    assert all(re.fullmatch(r"[a-z][a-z_]*", name.value) for name in QuirkName)
    assert len({name.value for name in QuirkName}) == len(QuirkName)
