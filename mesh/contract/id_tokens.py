"""The form in which id tokens are compared, for every service that compares them."""

import re
import string
from functools import lru_cache

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# ISO 15118-2, annex H: country, provider, C, instance and check digit, each hyphen there or not. In lower case.
_EMAID = re.compile(r"[a-z]{2}-?[a-z0-9]{3}-?c[a-z0-9]{8}(?:-?[a-z0-9])?")


@lru_cache(maxsize=4096)  # a station names the same token in every event
def match_key(text: str) -> str:
    """The form in which id tokens are compared: equal for texts that are the same token, and for no others.

    Blanks around a token, ASCII case and the hyphens of an eMAID do not count.
    """
    text = text.strip()
    key = text.lower() if text.isascii() else text.translate(_LOWER)
    return key.replace("-", "") if "-" in key and _EMAID.fullmatch(key) else key
