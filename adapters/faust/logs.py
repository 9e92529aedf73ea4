"""Faust's own log lines in the form of ours: warnings and errors, one line each."""

from __future__ import annotations

import logging

import structlog

LIBRARIES = ("faust", "mode", "aiokafka", "asyncio")


class OurLog(logging.Handler):
    """Hands what the libraries log to our log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._log = structlog.get_logger("relato")

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        error = record.exc_info[1] if record.exc_info else None
        reason = {"error": repr(error)} if error else {}
        self._log.log(record.levelno, text, library=record.name.partition(".")[0], **reason)


def use_our_log() -> None:
    handler = OurLog()
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)
