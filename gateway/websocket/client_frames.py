"""The form of a station's WebSocket frames (RFC 6455, section 5.2). Pure."""

# FIN and opcode 1; the mask bit.
WHOLE_TEXT = 0x81
MASKED = 0x80


def frame_extent(data: bytes | bytearray, at: int, end: int) -> tuple[int, int]:
    """The begin of the body of the frame at `at` and the end of the frame; beyond `end` where it is not complete."""
    second = data[at + 1]
    length = second & 0x7F
    body = at + 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if end < body + size:
            return end, end + 1
        length = int.from_bytes(data[body : body + size], "big")
        body += size
    if second & MASKED:
        body += 4
    return body, body + length
