"""The tests of cases in a folder, and those of them that would not be run, or not be held to their outcome."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_CASE = re.compile(r"test_tc_(\w+)_csms")
_LEFT_OUT = re.compile(r"\b(skip|skipif|xfail|skipTest|importorskip)\b")


@dataclass(frozen=True, kw_only=True)
class CaseTest:
    """The test of one case; `is_held` is false where a mark or a call may skip it, or forgive its failure."""

    name: str
    is_held: bool


def case_tests(folder: Path) -> Sequence[CaseTest]:
    """The tests of all files of a folder."""
    return [one for path in sorted(folder.glob("test_*.py")) for one in cases_in(path.read_text())]


def cases_in(source: str) -> Iterator[CaseTest]:
    """The tests of a file, on its outermost level. A mark of the file (`pytestmark`) is one of each of its tests."""
    tree = ast.parse(source)
    functions = [one for one in tree.body if isinstance(one, ast.AsyncFunctionDef | ast.FunctionDef)]
    others = [one for one in tree.body if one not in functions]
    is_file_held = not any(_leaves_out(one) for one in others)
    for function in functions:
        found = _CASE.fullmatch(function.name)
        if found:
            yield CaseTest(name=found[1], is_held=is_file_held and not _leaves_out(function))


def _leaves_out(node: ast.AST) -> bool:
    """Whether it names such a mark or call; words in texts do not count."""
    names = (one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in ast.walk(node))
    return any(_LEFT_OUT.fullmatch(name) for name in names)
