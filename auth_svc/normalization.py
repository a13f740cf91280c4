"""Texts that people and stations type: their comparison and validation. Enumerations of OCPP as words."""

import re
from collections.abc import Sequence

MAX_TOKEN = 255
MAX_TYPE = 20
MAX_USERNAME = 64
MIN_PASSWORD = 8
MAX_PASSWORD = 256

# AuthorizationStatusEnumType, OCPP 2.0.1 part 2, without ConcurrentTx: that is a status of a transaction, not of a
# token.
STATUSES = (
    "Accepted",
    "Blocked",
    "Expired",
    "Invalid",
    "NoCredit",
    "NotAllowedTypeEVSE",
    "NotAtThisLocation",
    "NotAtThisTime",
    "Unknown",
)

# IdTokenEnumType, OCPP 2.0.1 part 2, and what 2.1 adds to it. 2.1 lets anyone add more.
TYPES = (
    "Central",
    "DirectPayment",
    "eMAID",
    "EVCCID",
    "ISO14443",
    "ISO15693",
    "KeyCode",
    "Local",
    "MacAddress",
    "NoAuthorization",
    "VIN",
)


def fold(text: str) -> str:
    """The form in which tokens and usernames are compared: without regard to case."""
    return text.casefold()


def is_plain(text: str, most: int) -> bool:
    """Whether a text has 1 to `most` characters, all printable, and no blanks around it."""
    return 1 <= len(text) <= most and text.isprintable() and text == text.strip()


def canonical(text: str, words: Sequence[str], *, prefix: str) -> str | None:
    """The word of OCPP that `text` means, or None.

    Taken without regard to case, and in the spelling of protobuf too: `not_at_this_time` and, with the prefix
    "AUTHORIZATION_STATUS", `AUTHORIZATION_STATUS_NOT_AT_THIS_TIME` mean "NotAtThisTime".
    """
    bare = _letters(text).removeprefix(_letters(prefix))
    return next((word for word in words if _letters(word) == bare), None)


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).casefold()
