"""kafka-python computes checksums byte by byte in Python, unasked, where the package crc32c is missing."""

from __future__ import annotations

from kafka.record import util

from adapters.kafka.topic_errors import SlowChecksumError


def require_fast_checksum() -> None:
    """Raises SlowChecksumError."""
    if getattr(util, "crc32c_c", None) is None:
        raise SlowChecksumError
