"""The refusal of a CALL."""

INTERNAL_ERROR = "InternalError"
SECURITY_ERROR = "SecurityError"


class RefusalError(Exception):
    """A CALL is to be answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
