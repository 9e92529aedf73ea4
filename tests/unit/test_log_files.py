"""Logs are cut when they grow long, under the hands of those who write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.log_files import LogFiles


def watch(home: Path) -> list[str]:
    told: list[str] = []
    LogFiles(home, largest_bytes=100).watch(told.append)
    return told


@pytest.mark.parametrize("place", ["postgres.log", "logs/folds-sales.log", "kafka/broker.log"])
def test_a_log_that_grew_long_is_cut_while_its_writer_goes_on(tmp_path: Path, place: str) -> None:
    log = tmp_path / place
    log.parent.mkdir(exist_ok=True)
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 30)
        assert watch(tmp_path) == []
        writer.write(b"new\n")
        assert log.read_bytes() == b"new\n"
        assert log.with_name(f"{log.name}.1").read_bytes() == b"old\n" * 30
        writer.write(b"newer\n" * 30)
        watch(tmp_path)
    assert log.read_bytes() == b""
    assert sorted(path.name for path in log.parent.glob("*.log*")) == [log.name, f"{log.name}.1"]


def test_a_short_log_and_a_file_that_is_no_log_stay(tmp_path: Path) -> None:
    (tmp_path / "short.log").write_bytes(b"s" * 100)
    (tmp_path / "master.key").write_bytes(b"k" * 1000)
    watch(tmp_path)
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {"short.log": 100, "master.key": 1000}


def test_a_log_that_cannot_be_cut_is_told_of_and_nothing_stops(tmp_path: Path) -> None:
    (tmp_path / "up.log").write_bytes(b"u" * 101)
    (tmp_path / "up.log.1").mkdir()
    [told] = watch(tmp_path)
    assert told == f"{tmp_path}/up.log grows and cannot be cut: is a directory"
