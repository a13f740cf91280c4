"""Rules of the house that no linter knows: references, decisions, docstrings, the environment."""

import ast
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DESIGN = ROOT / "docs" / "DESIGN.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PRODUCT = ("mesh", "gateway", "station_svc", "transaction_svc", "auth_svc", "notification_svc")
# Generated, foreign, or made by running: none of it is ours to word.
_PRUNED = {"gen", "third_party", "data", "node_modules", "__pycache__", "dist"}
_SUFFIXES = {".py", ".proto", ".md", ".yaml", ".yml", ".lua", ".toml"}
# Packages whose docstrings follow the rule of CONTRIBUTING.md, "Language".
WORDED = (
    *("mesh", "gateway", "station_svc", "transaction_svc", "auth_svc", "notification_svc"),
    *("deploy", "benchmarks", "chaos", "simulator", "station_kit", "tests"),
)
# CONTRIBUTING.md: functions have at most so many lines.
MOST_LINES = 40
_BARE = {"what", "whatever", "whichever", "whoever"}
# Comments of the contract and of the dashboard, which are the documentation that their readers have.
_BARE_IN_COMMENTS = _BARE | {"who", "which", "those", "none"}
_COMMENTED = {"proto": {".proto"}, "dashboard": {".ts", ".tsx", ".css", ".js", ".html"}}
# Services do not hear, tell or go away (CONTRIBUTING.md, "Language").
_DIALECT = frozenset(("told", "said", "heard", "away", "anew", "stray", "strays", "oddity", "oddities", "settle"))
_TRANSACTION_WORDS = _DIALECT | {
    *("fold", "folds", "folded", "folding", "fact", "facts", "book", "Tx", "Known", "Recorded", "Kind", "Frame"),
    *("neighbour", "neighbours", "overtake", "overtaking", "place", "places", "unsettled", "reckon", "piece", "pieces"),
    *("hand_on", "hands_on", "naming.py", "contents.py", "kinds.py", "recorder.py", "intake.py"),
    "announcements.py",
}
_GATEWAY_WORDS = _DIALECT | {
    *("lane", "lanes", "gather", "gathering", "patience", "asides", "crowded", "room", "exchange", "arrival", "inbox"),
    *("hold", "misfit", "foreign", "salvage", "invite", "invited", "spoil", "Way", "Recorder", "Watch", "Dialect"),
    *("Workers", "Version", "Kind", "ocppj.py", "lanes.py", "aside.py", "sightings.py", "recorder.py", "quirks.py"),
}
_STATION_WORDS = _DIALECT | {
    *("Effects", "Order", "for_the_books", "knock", "let_in", "brings", "become", "Standing", "TaskRow"),
    *("left_out", "doubt", "takeovers", "slot", "tasks.py"),
}
_AUTH_WORDS = _DIALECT | {"wish", "wishes", "Granted", "standing", "standings", "Attempts", "attempts.py", "texts.py"}
_MESH_WORDS = _DIALECT | {
    *("is_away", "Workers", "OperatorEdge", "MeshEdge", "scripts", "scripts.py", "workers.py", "quirks.py"),
    *("operator_edge.py", "mesh_edge.py"),
}
# Words of docs/GLOSSARY.md, "Old words and new ones", that no identifier of these folders has any more. In lower case a
# word may be no part of a name; with a capital letter, no whole name; with `.py`, no module. A folder is added when its
# rows are done.
FORMER_WORDS: Mapping[str, frozenset[str]] = {
    "transaction_svc": _TRANSACTION_WORDS,
    "tests/transaction_svc": _TRANSACTION_WORDS,
    "proto/csms/transaction": _TRANSACTION_WORDS,
    "gateway": _GATEWAY_WORDS,
    "station_svc": _STATION_WORDS,
    "auth_svc": _AUTH_WORDS,
    "mesh": _MESH_WORDS,
    "station_kit": _GATEWAY_WORDS,
    "notification_svc": _DIALECT,
    "deploy": _DIALECT,
    "proto/csms": _DIALECT,
    "simulator": _DIALECT - {"heard", "away"},
    "benchmarks": _DIALECT - {"told", "settle"},
    "chaos": _DIALECT - {"told", "away"},
}
# docs/GLOSSARY.md, "Names that do not follow": columns, and the fields of rows that are read from them.
NAMES_THAT_STAY: Mapping[str, frozenset[str]] = {
    "transaction_svc": frozenset(("fold", "fact")),
    "station_svc": frozenset(("left_out", "doubt_us", "takeovers", "slot", "configuration_slot")),
    "mesh": frozenset(("SERVICE_AWAY",)),
}


def _files(*tops: str) -> Iterator[Path]:
    """Text files of the tree, or of some of its folders."""
    for top in tops or (".",):
        for folder, names, files in os.walk(ROOT / top):
            names[:] = [name for name in names if name not in _PRUNED and (not name.startswith(".") or name == ".ci")]
            yield from (Path(folder, file) for file in files if Path(file).suffix in _SUFFIXES or file == "Makefile")


def _headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)


def _anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
    return kept.strip().replace(" ", "-")


def _where(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_reference_to_a_page_that_is_not_in_the_tree() -> None:
    """`design 4.2` was a section of a page outside of the repository."""
    dead = re.compile(r"\bdesign,? (?:section )?[0-9]", flags=re.IGNORECASE)
    files = [path for path in _files() if path != Path(__file__)]
    assert [_where(path) for path in files if dead.search(path.read_text())] == []


def test_each_reference_to_the_design_names_a_section() -> None:
    titles = set(_headings(DESIGN))
    wrong = []
    for path in _files():
        if path.suffix == ".md" or path == Path(__file__):
            continue
        text = path.read_text()
        named = re.findall(r'docs/DESIGN\.md, "([^"\n]+)"', text)
        if text.count("docs/DESIGN.md") != len(named) or not titles.issuperset(named):
            wrong.append((_where(path), named))
    assert wrong == []


def test_each_link_between_pages_leads_somewhere() -> None:
    broken = []
    for path in _files():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            page = (path.parent / name).resolve() if name else path
            if not page.exists() or (anchor and anchor not in map(_anchor, _headings(page))):
                broken.append((_where(path), target))
    assert broken == []


def test_decisions_are_numbered_on_and_listed() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    listed = re.findall(r"\((0[^)]+\.md)\)", (ROOT / "docs" / "adr" / "README.md").read_text())
    assert listed == [path.name for path in DECISIONS]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_says_its_status_date_and_alternatives(path: Path) -> None:
    """docs/adr/template.md is the form; the sentence after `Alternatives` or below its heading says something."""
    text = path.read_text()
    assert re.match(rf"# {int(path.name[:4])}\. \S", text)
    said = re.findall(r"^\*\*Status\.\*\* (.+?)(?=\n\n)", text, flags=re.MULTILINE | re.DOTALL)
    assert len(said) == 1
    assert re.match(r"(Accepted|Proposed|Superseded)\b.*\b20\d\d-\d\d-\d\d\b", said[0], flags=re.DOTALL)
    alternatives = re.search(r"^\*\*Alternatives\.\*\*(.+?)(?=^\*\*|^#|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert alternatives is not None
    assert len(alternatives[1].split()) >= 10


def _docstrings(path: Path) -> Iterable[tuple[int, str]]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text


@pytest.mark.parametrize("package", WORDED)
def test_no_docstring_begins_with_a_bare_relative_clause(package: str) -> None:
    """Subject, verb, object: "What the outbox tells" names no thing that a reader could search for."""
    found = [
        f"{_where(path)}:{line}: {text.splitlines()[0]}"
        for path in sorted(_files(package))
        if path.suffix == ".py"
        for line, text in _docstrings(path)
        if text.split()[0].strip(",.:").lower() in _BARE
    ]
    assert found == []


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """Comments of a proto, of TypeScript or of styles: the line and the first line of each; lines of `//` are one."""
    before = ""
    for number, line in enumerate(text.splitlines(), start=1):
        begin = re.search(r"(?:^|\s|\{)(?://+|/\*+|<!--)\s*(.*)", line)
        if begin and not (before.startswith("//") and line.strip().startswith("//")):
            yield number, begin[1]
        before = line.strip()


def _is_bare(comment: str) -> bool:
    return comment.partition(" ")[0].strip(",.:").lower() in _BARE_IN_COMMENTS


@pytest.mark.parametrize("folder", _COMMENTED)
def test_no_comment_of_the_contract_or_the_dashboard_begins_with_a_bare_relative_clause(folder: str) -> None:
    paths = [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in _COMMENTED[folder]]
    ours = [path for path in paths if not {"node_modules", "stubs", "pages"}.intersection(path.parts)]
    assert ours
    comments = [(path, line, text) for path in ours for line, text in _comments(path.read_text())]
    assert [f"{_where(path)}:{line}: {text}" for path, line, text in comments if _is_bare(text)] == []


def test_bare_comments_are_found_in_each_form() -> None:
    text = (
        "// What it has.\n"
        "// Those are its rows.\n\n"
        "/** Who: nobody. */\n"
        "x = 1; // which of them\n"
        "  {/* None. */}\n"
        "<!-- Whoever -->\n"
        "// A row: what it has.\n"
        "https://what.example\n"
    )
    assert [line for line, comment in _comments(text) if _is_bare(comment)] == [1, 4, 5, 6, 7]


def _lengths(path: Path) -> Iterator[tuple[int, str, int]]:
    """The functions of a module: line, name, and how many lines each has, without decorators."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("package", WORDED)
def test_functions_fit_on_a_screen(package: str) -> None:
    """A migration, once released, is never edited, and a test may be a whole session."""
    found = [
        f"{_where(path)}:{line}: {name} has {count} lines"
        for path in sorted(_files(package))
        if path.suffix == ".py" and "migrations" not in path.parts
        for line, name, count in _lengths(path)
        if count > MOST_LINES and not name.startswith("test_")
    ]
    assert found == []


def _identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """The names that a file defines, with their lines: of the module, its classes, functions, arguments and variables.

    In a proto file the names of messages, enumerations, services, methods, fields and values.
    """
    text = path.read_text()
    if path.suffix == ".proto":
        yield from _proto_identifiers(text)
        return
    yield 1, path.name
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


_PROTO_NAME = re.compile(
    r"^\s*(?:(?:message|enum|service|rpc|oneof)\s+(\w+)|(?:[\w.<>]+[ ,]+)*?(\w+)\s*=\s*-?\d+\s*[;\[])"
)


def _proto_identifiers(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _PROTO_NAME.match(line.partition("//")[0]):
            yield number, found[1] or found[2]


def _has_word(name: str, word: str) -> bool:
    """Whether an identifier is the word, or has it as one of its parts: `told_us` and `ToldUs` have `told`."""
    if not word.islower() or word.endswith(".py"):
        return name.lstrip("_") == word
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return f"_{word}_" in f"_{'_'.join(parts).lower()}_"


def _former(path: Path, words: Iterable[str], stay: Iterable[str] = ()) -> list[str]:
    return [
        f"{line}: {name}"
        for line, name in _identifiers(path)
        if name not in stay and any(_has_word(name, word) for word in words)
    ]


@pytest.mark.parametrize("folder", FORMER_WORDS)
def test_no_identifier_has_a_former_word(folder: str) -> None:
    """docs/GLOSSARY.md has the new word for each, and the names that stay."""
    paths = [path for path in sorted(_files(folder)) if path.suffix in {".py", ".proto"}]
    stay = NAMES_THAT_STAY.get(folder, frozenset())
    assert {_where(path): found for path in paths if (found := _former(path, FORMER_WORDS[folder], stay))} == {}
    assert paths


def test_the_words_of_each_folder_of_the_product_are_held() -> None:
    assert {*PRODUCT, "deploy", "simulator", "benchmarks", "chaos", "proto/csms"} <= FORMER_WORDS.keys()


def test_former_words_are_found_in_each_kind_of_name(tmp_path: Path) -> None:
    module = tmp_path / "recorder.py"
    module.write_text(
        "import json as facts\n"
        "class FoldRow:\n"
        "    told_us: int = 0\n"
        "    def take_book(self, _stray, *, fold, placeholder):\n"
        "        self.told, replaced = fold.fact, placeholder\n"
        "class Tx: ...\n"
        "class TxRow: ...\n"
    )
    assert sorted(_former(module, _TRANSACTION_WORDS, {"fold"})) == [
        *("1: facts", "1: recorder.py", "2: FoldRow", "3: told_us", "4: _stray", "4: take_book", "5: told", "6: Tx"),
    ]
    contract = tmp_path / "a.proto"
    contract.write_text(
        "message Stray { // told\n  repeated string told_names = 1;\n"
        "  map<string, int32> fact = 2 [deprecated = true];\n}\n"
        "enum E {\n  E_TOLD = 0;\n}\nservice S {\n  rpc FoldAll(A) returns (B) {\n    option (x) = {get: 1};\n  }\n}\n"
    )
    assert _former(contract, _TRANSACTION_WORDS) == ["1: Stray", "2: told_names", "3: fact", "6: E_TOLD", "9: FoldAll"]


def test_each_former_word_is_in_the_glossary_with_its_exceptions() -> None:
    """Readers find the names that stay, each with its reason."""
    _, _, exceptions = (ROOT / "docs" / "GLOSSARY.md").read_text().partition("### Names that do not follow")
    for folder, names in NAMES_THAT_STAY.items():
        assert folder in FORMER_WORDS
        assert {name for name in names if f"`{name}`" not in exceptions} == set()


@pytest.mark.parametrize("package", PRODUCT)
def test_only_main_modules_read_the_environment(package: str) -> None:
    found = []
    for path in sorted(_files(package)):
        if path.suffix != ".py" or path.name == "__main__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute | ast.alias):
                name = node.attr if isinstance(node, ast.Attribute) else node.name
                if name in {"environ", "environb", "getenv", "getenvb"}:
                    found.append(f"{_where(path)}:{node.lineno}")
    assert found == []


def test_each_setting_is_documented() -> None:
    """docs/CONFIGURATION.md has it by name, or in a pattern such as `CSMS_<SERVICE>_OPERATOR_ADDRESS`."""
    text = (ROOT / "docs" / "CONFIGURATION.md").read_text()
    patterns = [re.sub("<[A-Z]+>", "[A-Z]+", name) for name in re.findall(r"`(CSMS_<[A-Z]+>\w+)`", text)]
    named = {
        name
        for path in _files(*PRODUCT, "deploy", "simulator")
        if path.suffix == ".py"
        for name in re.findall(r"[\"'](CSMS_[A-Z0-9_]+)[\"']", path.read_text())
    }
    known = set(re.findall(r"CSMS_[A-Z0-9_]+", text))
    assert {name for name in named - known if not any(re.fullmatch(one, name) for one in patterns)} == set()
    assert len(named & known) > 40
