"""The ways in which a payload violates its schema, and the changes that correct it."""

from enum import Enum
from typing import Any, Final, NamedTuple

Path = tuple[str | int, ...]


class Violation(NamedTuple):
    """One way in which a payload breaks its schema."""

    keyword: str  # of JSON Schema: "type", "enum", "maxLength", …
    path: Path  # to the value; () is the payload itself
    value: Any  # the value at the place
    limit: Any  # the keyword's value: the allowed types, the words, the length, the missing or unknown field, …
    is_optional: bool = False  # whether the schema lets the field be missing
    is_free_text: bool = False  # whether the schema requires text here that is neither a word of a list nor a time
    written: str = ""  # a number where text belongs, in the characters that the station sent

    @property
    def field(self) -> str:
        """The innermost field's name; empty for the payload itself."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


class Absent(Enum):
    """Stands for a value that is left out."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Change = tuple[Path, Any]
"""A path into a payload, and the value to put there; ABSENT takes out what is there."""
