"""Whether a station's boots are refused: what it would not tell anybody. Pure, one per connection."""

from gateway.values import shorten

_MAX_REASON = 300


class BootWatch:
    """Counts boots answered with errors: `refused` in a row, 0 where the last one was not, None before any."""

    def __init__(self) -> None:
        self.refused: int | None = None
        self.reason = ""

    def refuse(self, code: str, description: str) -> None:
        """A boot was answered with this error."""
        self.refused = (self.refused or 0) + 1
        self.reason = shorten(f"{code}: {description}", _MAX_REASON)

    def take(self) -> None:
        """A boot was answered, whether the station may work or not."""
        self.refused, self.reason = 0, ""
