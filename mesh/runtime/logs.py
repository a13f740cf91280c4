"""Logs: one JSON object a line on standard error, or coloured text where a person is watching."""

import logging
import sys

import structlog

from mesh.runtime.masking import mask_text


def configure(process: str, *, level: str = "INFO") -> None:
    """Sets logging up for this process; `process` is its name on every line. Call once, from `__main__`."""
    structlog.contextvars.bind_contextvars(process=process)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        _mask,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Its lines name no station: the gateway logs connections itself. Errors in the project's own code are still logged.
    server = logging.getLogger("websockets.server")
    server.setLevel(logging.ERROR)
    server.addFilter(lambda record: "handshake failed" not in record.getMessage())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger. Events are short phrases, what varies goes into keywords: `log.info("booted", station_id=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _mask(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {key: mask_text(value) if isinstance(value, str) else value for key, value in event.items()}
