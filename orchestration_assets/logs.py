"""Logging: structured lines on standard error, secrets and personal data taken out.

Standard output is left to results, so that a command's JSON can be piped.
"""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

REDACTED = "[redacted]"
_PRIVATE_KEY = re.compile(
    r"token|secret|password|passwd|authorization|credential|api_?key|cookie|signature"
    r"|e_?mail|phone|(first|last|full)_?name|address|birth",
    re.IGNORECASE,
)
# Counts and names of settings are no personal data although their keys look like it.
_HARMLESS_KEY = re.compile(r"_(count|rows|rate|hash|id)$|^(base_)?url$", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+")
_URL_PASSWORD = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@")
_BEARER = re.compile(r"(?i)\b(bearer|klaviyo-api-key)\s+\S+")
_MAX_DEPTH = 6


def configure_logging(level: str = "INFO", log_format: str = "console") -> None:
    """Send all log lines, the libraries' ones included, to standard error.

    Args:
        level: name of the lowest level shown.
        log_format: `console` for people, `json` for machines.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:-1], structlog.stdlib.PositionalArgumentsFormatter()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # One line a request says nothing at INFO, and its address may carry a person's identifier.
    for chatty in ("httpx", "httpcore", "urllib3", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def redact(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace values whose key or form shows a secret or a person (a structlog processor)."""
    return {key: _clean(key, value, 0) for key, value in event.items()}


def _clean(key: str, value: Any, depth: int) -> Any:
    if _PRIVATE_KEY.search(key) and not _HARMLESS_KEY.search(key) and value is not None:
        return REDACTED
    if depth > _MAX_DEPTH:
        return REDACTED
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {name: _clean(str(name), item, depth + 1) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_clean(key, item, depth + 1) for item in value]
    return value


def clean_text(text: str) -> str:
    """Take e-mail addresses, bearer tokens and passwords inside URLs out of a text."""
    text = _URL_PASSWORD.sub(f"{REDACTED}@", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _EMAIL.sub("[e-mail]", text)
