"""Messages of the station kit as bytes with slots: made once, and filled in for each CALL, so that they cost little.

Only the messages come from the kit. Its connection encodes and parses JSON, has a task, and stands on a whole WebSocket
library; all of that would be on the processors of the mesh under test, and a part of each latency.
"""

import json
import re
from typing import Any

from station_kit.messages import Message

TEXT: Any = "%s"
"""A slot for bytes, within quotes."""
NUMBER: Any = "#%d"
"""A slot for a whole number."""
NUMBER_AS_BYTES: Any = "#%s"
"""A slot for a number that is bytes already."""


def template(message: Message) -> bytes:
    """The rest of a CALL, `"Action",{payload}`, to be filled in by `%`. Slots keep the order of the payload."""
    text = json.dumps(message, separators=(",", ":"))[1:-1]
    return re.sub(r'"#(%[ds])"', r"\1", text).encode()
