"""The log of the `ocpp` library, which stations of every version are built on."""

import logging


class _OneLine(logging.Filter):
    """The library logs a traceback where a command is not implemented, which is an ordinary answer here."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


def library_logger() -> logging.Logger:
    """The logger given to the library: its warnings, one line each."""
    logger = logging.getLogger("simulator.ocpp")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_OneLine())
    return logger
