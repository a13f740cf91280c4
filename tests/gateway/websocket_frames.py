"""Frames by hand, as a client sends them (RFC 6455, 5.2; RFC 7692)."""

import zlib

from websockets.speedups import apply_mask

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
MASK = b"\x12\x34\x56\x78"


def frame(data: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """One frame as a client sends it (5.2)."""
    first = (0x80 if fin else 0) | rsv | opcode
    mask_bit = 0x80 if masked else 0
    if len(data) < 126:
        head = bytes((first, mask_bit | len(data)))
    elif len(data) < 65_536:
        head = bytes((first, mask_bit | 126)) + len(data).to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + len(data).to_bytes(8, "big")
    if not masked:
        return head + data
    return head + MASK + apply_mask(data, MASK)


def deflate(data: bytes) -> bytes:
    """A message's data as permessage-deflate has it (RFC 7692, 7.2.1)."""
    compressor = zlib.compressobj(9, wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


def deflated(data: bytes, opcode: int = TEXT) -> bytes:
    """A compressed frame."""
    return frame(deflate(data), opcode, rsv=0x40)
