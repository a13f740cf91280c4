"""permessage-deflate (RFC 7692) with a bound on what a message may swell to."""

from collections.abc import Sequence
from typing import Any

from websockets.exceptions import PayloadTooBig
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.typing import ExtensionParameter

# A day of samples that never change, the most that a station has reason to send, comes to 1:122. Deflate itself reaches
# 1:1032.
MAX_RATIO = 256
# A small message may expand without a limit.
FREE_BYTES = 64 * 1024


class BoundedDeflate(PerMessageDeflate):
    """Refuses a message (PayloadTooBig: 1009) that is larger than FREE_BYTES and swells more than MAX_RATIO times."""

    _wire_bytes = 0
    _message_bytes = 0

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """See PerMessageDeflate.decode; `max_size` holds as well."""
        if frame.opcode not in DATA_OPCODES:
            return super().decode(frame, max_size=max_size)
        if frame.opcode is not Opcode.CONT:
            self._wire_bytes = self._message_bytes = 0
        self._wire_bytes += len(frame.data)
        allowed = max(FREE_BYTES, MAX_RATIO * self._wire_bytes) - self._message_bytes
        most = allowed if max_size is None else min(allowed, max_size)
        if most <= 0 and frame.data:
            raise PayloadTooBig(None, 0)
        decoded = super().decode(frame, max_size=max(most, 1))  # 0 would be no bound at all
        self._message_bytes += len(decoded.data)
        return decoded


class BoundedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees on compression as its base does, and bounds it."""

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], Any]:
        """See ServerExtensionFactory.process_request_params."""
        response, plain = super().process_request_params(params, accepted_extensions)
        return response, BoundedDeflate(
            remote_no_context_takeover=plain.remote_no_context_takeover,
            local_no_context_takeover=plain.local_no_context_takeover,
            remote_max_window_bits=plain.remote_max_window_bits,
            local_max_window_bits=plain.local_max_window_bits,
            compress_settings=plain.compress_settings,
        )
