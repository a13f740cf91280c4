"""Comments of the contract as texts for people, and the errors that they state."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc

from mesh.runtime.error_reasons import Reason

_ERRORS = re.compile(r"\b(?:Errors|Further errors)\b[^:.]*:")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
_WORD = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b")
# `as ListEvents`, `those of CreateIdToken`: of the same service.
_REFERENCE = re.compile(r"\b(?:[Aa]s|those of) ([A-Z][a-z]\w+)")
EVERY_COMMAND = "of every command"

CODES = {code.name: code for code in grpc.StatusCode}


@dataclass(frozen=True, kw_only=True)
class StatedErrors:
    """The errors of one comment: reasons by gRPC code, and other methods whose errors it has too."""

    reasons: Mapping[grpc.StatusCode, list[Reason]] = field(default_factory=dict)
    methods: tuple[str, ...] = ()  # names within the service
    of_every_command: bool = False


def description(comment: str) -> str:
    """A comment without what it says about errors, and without marks for programs."""
    text = "\n".join(line for line in _lines(comment) if not line.startswith("buf:lint:"))
    return _ERRORS.split(text, maxsplit=1)[0].strip()


def summary(comment: str) -> str:
    """The first sentence, on one line and without its period."""
    text = " ".join(description(comment).split())
    return _SENTENCE.split(text, maxsplit=1)[0].removesuffix(".")


def stated_errors(comment: str) -> StatedErrors:
    """The errors that a comment states after `Errors:` or `Further errors:`.

    A reason belongs to the last gRPC code before it in its sentence.
    """
    text = "\n".join(line for line in _lines(comment) if not line.startswith("buf:lint:"))
    found = _ERRORS.search(text)
    if found is None:
        return StatedErrors()
    stated = " ".join(text[found.start() :].split())
    reasons: dict[grpc.StatusCode, list[Reason]] = {}
    for sentence in _SENTENCE.split(stated):
        code = None
        for word in _WORD.findall(sentence):
            if word in CODES:
                code = CODES[word]
            elif code is not None and word in Reason.__members__:
                reasons.setdefault(code, []).append(Reason[word])
    return StatedErrors(
        reasons=reasons,
        methods=tuple(_REFERENCE.findall(stated)),
        of_every_command=EVERY_COMMAND in stated,
    )


def _lines(comment: str) -> list[str]:
    return [line.removeprefix(" ") for line in comment.splitlines()]
