"""The files that the front door serves: the dashboard's, and the OpenAPI document of the REST API.

Two encodings of each, their headers and their places.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

# `dashboard/pages/` in the source tree, where `make pages` builds it; a wheel has it inside this package.
_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "pages", _HERE.parent / "dashboard" / "pages")
INDEX = "index.html"
DOCS = "docs.html"
DOCUMENT = "openapi.json"
# Of files whose path is not their name.
_PATHS = {DOCS: "/docs"}
_ASSETS = "assets/"  # files whose names are made from their contents
# Paths below which an unknown one is an error and no page of the application.
_NOT_THE_INDEX = r"/(v1|ocpp|healthz|assets)([/?].*)?|/(csms|grpc)\..*"
_TAKES_GZIP = r"(?i)(.*,)?\s*gzip\s*(;\s*q=(1(\.0*)?|0\.\d*[1-9]\d*)\s*)?(,.*)?"
# For the front door and the tests, not for browsers.
_POLICY = "csp.json"
_NOT_SERVED = {_POLICY, "chunks.json"}
FOLDER = "pages"
LEVEL = 6  # of gzip: 9 takes three times as long for 0.3 % less
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSED_ALREADY = {".png", ".woff2"}
# Everything is our own and from this origin. Workers have the policy of their own file, so that each file has one.
_POLICY_RULES: Mapping[str, Sequence[str]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "worker-src": ("'self'",),
    "manifest-src": ("'self'",),
    "base-uri": ("'none'",),
    "form-action": ("'none'",),
    "frame-ancestors": ("'none'",),
}


class PagesError(Exception):
    """The built dashboard is not there, or cannot be served. Its text is one line, for developers."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A file of the dashboard in one encoding."""

    name: str  # its path in the dashboard
    file: str  # the file that Envoy reads, below its folder
    size: int
    is_gzip: bool
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """Its path at the front door."""
        return _PATHS.get(self.name, f"/{self.name}")


class Pages:
    """The built dashboard. Raises PagesError where it is not there."""

    def __init__(self, source: Path | None = None) -> None:
        self._source = source or next(filter(Path.is_dir, _PLACES), _PLACES[-1])
        for name in (INDEX, _POLICY):
            if not (self._source / name).is_file():
                raise PagesError(f"{self._source / name} is missing: check it out, or build it with `make pages`")
        self._policy = _policy(self._source / _POLICY)

    def write(self, folder: Path) -> Sequence[Variant]:
        """Copies the files into a folder of their own in `folder`, compressed and plain. Raises PagesError."""
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        files = {
            path.relative_to(self._source).as_posix(): path.read_bytes()
            for path in sorted(self._source.rglob("*"))
            if path.is_file() and path.relative_to(self._source).as_posix() not in _NOT_SERVED
        }
        # Generated beside the stubs (deploy/openapi/), so that an installed distribution has it too.
        files[DOCUMENT] = (resources.files("csms") / DOCUMENT).read_bytes()
        return [variant for name, content in files.items() for variant in self._variants(name, content, folder)]

    def _variants(self, name: str, content: bytes, folder: Path) -> Iterator[Variant]:
        """The variants of one file: the compressed one first, because the plain one has no condition."""
        suffix = Path(name).suffix
        if suffix not in MEDIA_TYPES:
            raise PagesError(f"{self._source / name}: deploy/pages.py has no media type for {suffix!r}")
        for is_gzip in (False,) if suffix in _COMPRESSED_ALREADY else (True, False):
            file = f"{FOLDER}/{name}.gz" if is_gzip else f"{FOLDER}/{name}"
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            body = gzip.compress(content, compresslevel=LEVEL, mtime=0) if is_gzip else content
            (folder / file).write_bytes(body)
            headers = self._headers(name, is_gzip)
            if name == DOCUMENT:
                headers["etag"] = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
            yield Variant(name=name, file=file, size=len(body), is_gzip=is_gzip, headers=headers)

    def _headers(self, name: str, is_gzip: bool) -> dict[str, str]:
        return {
            "content-type": MEDIA_TYPES[Path(name).suffix],
            **({"content-encoding": "gzip"} if is_gzip else {}),
            # At the paths of the index, a caller that asks for JSON has another answer.
            "vary": "accept, accept-encoding" if name == INDEX else "accept-encoding",
            "cache-control": "public, max-age=31536000, immutable" if name.startswith(_ASSETS) else "no-cache",
            "content-security-policy": self._policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }


def _policy(file: Path) -> str:
    """The policy, with the hashes of styles that libraries insert (dashboard/scripts/injected_styles.js)."""
    found: Mapping[str, Sequence[str]] = json.loads(file.read_text())
    rules = {name: (*values, *found.get(name, ())) for name, values in _POLICY_RULES.items()}
    return "; ".join(" ".join((name, *values)) for name, values in rules.items())


_READS: Mapping[str, Any] = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}


def unchanged_match_of(variant: Variant) -> dict[str, Any]:
    """The requests of callers that have this very file already, as the match of a route: by its `etag`."""
    has_it = {"name": "if-none-match", "string_match": {"contains": variant.headers["etag"].removeprefix("W/")}}
    return {"path": variant.path, "headers": [_READS, has_it]}


def match_of(variant: Variant) -> dict[str, Any]:
    """The requests that a variant answers, as the match of a route. Those of the index are navigations of browsers."""
    place = {"prefix": "/"} if variant.name == INDEX else {"path": variant.path}
    conditions = [_READS]
    if variant.name == INDEX:
        conditions.append({"name": "accept", "string_match": {"contains": "text/html"}})
        conditions.append(
            {"name": ":path", "string_match": {"safe_regex": {"regex": _NOT_THE_INDEX}}, "invert_match": True}
        )
    if variant.is_gzip:
        conditions.append({"name": "accept-encoding", "string_match": {"safe_regex": {"regex": _TAKES_GZIP}}})
    return {**place, "headers": conditions}
