"""What a station may be called."""

MOST = 255


def is_station_id(text: str) -> bool:
    """Whether this can be a station's identity: 1 to 255 characters, none of which is a control character."""
    return 0 < len(text) <= MOST and text.isprintable()
