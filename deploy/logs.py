"""Logs of the long-running processes: JSON by line, or for people when they look."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs() -> None:
    """On stderr. Nothing personal is logged anywhere: facts are named by type and position."""
    is_watched = sys.stderr.isatty()
    shape = [structlog.dev.ConsoleRenderer()] if is_watched else [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]  # fmt: skip
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
