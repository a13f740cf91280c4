"""Times as stations write and read them (RFC 3339, in UTC). Pure."""

from datetime import UTC, datetime


def format_time(moment: datetime, *, timespec: str = "milliseconds") -> str:
    """A time in UTC: `2026-01-31T12:00:00.000Z`. `timespec` is that of datetime.isoformat; digits are cut off."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def format_time_us(time_us: int) -> str:
    """The same of microseconds since 1970."""
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    return format_time(moment.replace(microsecond=time_us % 1_000_000))


def parse_time(text: str) -> datetime:
    """A time of the CSMS; one without an offset is in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
