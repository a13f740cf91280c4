"""The dashboard as the front door serves it: encodings, headers, and paths that are not the dashboard's."""

import gzip
import re
import subprocess
from pathlib import Path

import grpc
import pytest

from deploy.pages import DOCUMENT, MEDIA_TYPES, Pages, PagesError, match_of
from tests.running_mesh import Answer, RunningMesh

BUILT = Path(__file__).resolve().parents[2] / "dashboard" / "pages"
ASSETS = sorted(path.relative_to(BUILT).as_posix() for path in (BUILT / "assets").iterdir())
# As Chromium has it when somebody types an address.
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
GZIP = "gzip, deflate"


def _get(mesh: RunningMesh, path: str, **headers: str) -> Answer:
    return mesh.request("GET", path, **headers)


@pytest.mark.parametrize("path", ["/", "/stations", "/stations/CP.1/sessions?state=ACTIVE", "/v2", "/assets.html"])
def test_browsers_get_the_index_at_each_path_of_the_application(mesh: RunningMesh, path: str) -> None:
    plain, packed = (_get(mesh, path, accept=NAVIGATION, accept_encoding=each) for each in ("identity", GZIP))
    assert (plain.status, plain.body) == (200, (BUILT / "index.html").read_bytes())
    assert (packed.status, gzip.decompress(packed.body)) == (200, plain.body)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for answer in (plain, packed):
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize("name", [*ASSETS, "licenses.txt"])
def test_each_file_is_served_as_it_was_built(mesh: RunningMesh, name: str) -> None:
    answers = [_get(mesh, f"/{name}", accept="*/*", accept_encoding=each) for each in ("identity", GZIP)]
    plain, packed = answers
    assert plain.body == (BUILT / name).read_bytes()
    if packed.headers.get("content-encoding") == "gzip":
        assert gzip.decompress(packed.body) == plain.body
    for answer in answers:
        assert answer.status == 200
        assert answer.headers["content-type"] == MEDIA_TYPES[Path(name).suffix]
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["x-content-type-options"] == "nosniff"
        is_asset = name.startswith("assets/")
        assert answer.headers["cache-control"] == ("public, max-age=31536000, immutable" if is_asset else "no-cache")


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.5, *;q=0.1", True),
        ("gzip ; q=1", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, deflate", False),
        ("x-gzipped", False),
        ("br", False),
    ],
)
def test_only_a_caller_that_takes_gzip_gets_it(mesh: RunningMesh, accepted: str, is_packed: bool) -> None:
    answer = _get(mesh, "/", accept=NAVIGATION, accept_encoding=accepted)
    assert (answer.headers.get("content-encoding") == "gzip") == is_packed


def test_the_policy_admits_no_inline_code_and_no_frame(mesh: RunningMesh) -> None:
    headers = _get(mesh, "/", accept=NAVIGATION).headers
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["worker-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert re.fullmatch(r"'self'( 'sha256-[A-Za-z0-9+/]{43}=')*", rules["style-src"])
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


def test_callers_that_do_not_ask_for_html_learn_where_things_are(mesh: RunningMesh) -> None:
    for accept in ("*/*", "application/json"):
        answer = _get(mesh, "/", accept=accept)
        assert answer.status == 200, answer
        assert answer.json["rest"] == "/v1/"
        assert answer.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize(
    "path",
    [
        *("/assets/none.js", "/assets/", "/assets/../none.js", "/v1", "/v1/", "/v1/none", "/v1/none?a=text/html"),
        *("/csms.none.v1.Service/Method", "/grpc.none", "/ocpp"),
    ],
)
def test_an_error_keeps_its_form_for_a_browser_too(mesh: RunningMesh, path: str) -> None:
    """Nothing but the index would make a page of it."""
    answer = _get(mesh, path, accept=NAVIGATION)
    assert (answer.status, answer.reason) == (404, "UNKNOWN_PATH")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/stations", (401, "INVALID_TOKEN")),
        ("POST", "/csms.station.v1.StationService/ListStations", (401, "INVALID_TOKEN")),
        ("POST", "/stations", (404, "UNKNOWN_PATH")),
        ("DELETE", "/assets/" + ASSETS[0].removeprefix("assets/"), (404, "UNKNOWN_PATH")),
    ],
)
def test_other_errors_keep_theirs(mesh: RunningMesh, method: str, path: str, expected: tuple[int, str]) -> None:
    answer = mesh.request(method, path, body={} if method == "POST" else None, accept=NAVIGATION)
    assert (answer.status, answer.reason) == expected


def test_health_keeps_its_form(mesh: RunningMesh) -> None:
    assert _get(mesh, "/healthz", accept=NAVIGATION).json == {"status": "SERVING"}


def test_a_grpc_error_keeps_its_form(mesh: RunningMesh) -> None:
    with grpc.insecure_channel(mesh.target) as channel, pytest.raises(grpc.RpcError) as failure:
        channel.unary_unary("/none.Service/Method", request_serializer=bytes)(
            b"", metadata=(("accept", NAVIGATION),), timeout=60
        )
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_nothing_that_is_for_the_build_is_served(mesh: RunningMesh) -> None:
    for name in ("csp.json", "chunks.json", "index.html"):
        assert (BUILT / name).is_file()
        assert _get(mesh, f"/{name}", accept="*/*").status == 404


def test_a_missing_build_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(PagesError, match=r"index\.html is missing: .*`make pages`"):
        Pages(tmp_path)


def test_a_file_of_an_unknown_type_is_an_error(tmp_path: Path) -> None:
    for name in ("index.html", "csp.json", "odd.bin"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(PagesError, match=r"odd\.bin: .* no media type for '\.bin'"):
        Pages(tmp_path).write(tmp_path / "written")


def test_files_that_are_compressed_already_are_served_as_they_are(tmp_path: Path) -> None:
    """And the hashes of inserted styles get into the policy; files of an earlier build do not stay."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "assets").mkdir(parents=True)
    (source / "index.html").write_text("<!doctype html>")
    (source / "csp.json").write_text("""{"style-src": ["'sha256-abc='"]}""")
    (source / "assets" / "font-1.woff2").write_bytes(b"font")
    (target / "pages").mkdir(parents=True)
    (target / "pages" / "old.js").write_text("")
    written = Pages(source).write(target)
    assert [(each.name, each.is_gzip) for each in written if each.name != DOCUMENT] == [
        ("assets/font-1.woff2", False),
        ("index.html", True),
        ("index.html", False),
    ]
    assert all("style-src 'self' 'sha256-abc='" in each.headers["content-security-policy"] for each in written)
    names = sorted(path.name for path in (target / "pages").rglob("*.*"))
    assert [name for name in names if not name.startswith(DOCUMENT)] == [
        "font-1.woff2",
        "index.html",
        "index.html.gz",
    ]
    assert match_of(written[0])["path"] == "/assets/font-1.woff2"


def test_the_pages_are_marked_as_built() -> None:
    """Reviews leave them out, and no checkout changes their line ends."""
    command = ["git", "check-attr", "linguist-generated", "diff", "text", "--", "dashboard/pages/index.html"]
    found = subprocess.run(command, cwd=BUILT.parents[1], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert [line.rsplit(": ", 1)[1] for line in found.splitlines()] == ["set", "unset", "unset"]
