"""Planted values looked for in files, dumps and topics, in every form that they could take on the way."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.cluster import Cluster
from adapters.postgres.server import find_binary

CHUNK = 1 << 22


def forms_of(text: str) -> list[bytes]:
    """As it is, escaped as JSON and PostgreSQL do, in hexadecimal, in base64 at each of its three places."""
    raw = text.encode()
    escaped = [json.dumps(text)[1:-1].encode(), text.encode("utf-16-le"), raw.hex().encode()]
    encoded = [base64.b64encode(b" " * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return [raw, *escaped, *encoded]


def find_in_files(folder: Path, forms: Iterable[bytes]) -> list[tuple[str, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [(str(path.relative_to(folder)), form) for path in files for form in find(_read(path), forms)]


def find(chunks: Iterable[bytes], forms: Iterable[bytes]) -> list[bytes]:
    """The forms that occur, also across two chunks."""
    wanted, found, tail = list(forms), set[bytes](), b""
    longest = max(map(len, wanted))
    for chunk in chunks:
        text = tail + chunk
        found |= {form for form in wanted if form in text}
        tail = text[-longest:]
    return sorted(found)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def dump(dsn: str) -> Iterator[bytes]:
    """A database as text, where nothing is compressed any more."""
    command = [str(find_binary("pg_dump")), "--dbname", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(CHUNK):
            yield chunk
    assert process.returncode == 0


def read_records(cluster: Cluster, topic: str) -> list[Any]:
    """All that a topic holds, with keys and headers."""
    with KafkaConsumer(**cluster.settings(), enable_auto_commit=False, metrics_enabled=False) as consumer:
        places = [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends, found = consumer.end_offsets(places), list[Any]()
        while any(consumer.position(place) < ends[place] for place in places):
            found += [record for records in consumer.poll(timeout_ms=500).values() for record in records]
    return found


def bytes_of(record: Any) -> bytes:
    return b" ".join([record.key or b"", record.value or b"", *(value for _, value in record.headers)])
