"""Late messages take turns: those that waited at their stations do not delay the ones that are sent as things happen.

A returning fleet sends what it kept, all at the same time: see docs/DESIGN.md, "Order of admission".
A station waits for each of its answers before it sends the next message (OCPP-J, 4.1.1), so that its order is kept
while others have their turn.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from mesh.runtime.times import SECOND_US

# A message is late where its time is this long ago. A station whose clock is behind has its turns with the late ones,
# which cost it something only while a fleet returns.
LATE_US = 60 * SECOND_US
# Late messages that are with the services at a time: half of a batch.
MOST_LATE = 64


class LateTurns:
    """The turns of late messages in one process, first come, first served. Use from one event loop.

    Each station has one message that waits at most, so that those that wait are as many as the connections.
    """

    def __init__(self, most: int = MOST_LATE) -> None:
        self._free = most
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def waiting(self) -> int:
        """The number of messages that wait for their turn."""
        return len(self._waiting)

    def take(self, begin: Callable[[], None]) -> None:
        """Calls `begin` at its turn, which may be now. It must not raise; `give_back` follows."""
        if self._free:
            self._free -= 1
            begin()
        else:
            self._waiting.append(begin)

    def give_back(self) -> None:
        """Ends a turn: the next one begins, or one is free."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._waiting.popleft())
        else:
            self._free += 1
