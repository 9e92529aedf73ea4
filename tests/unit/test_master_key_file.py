"""The master key's file: made once, whole, and readable by its owner alone."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adapters.keys.master import MasterKey, create_master_key


def test_of_many_who_make_it_at_once_one_is_first_and_all_read_the_same(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "master.key"

    def make(_: int) -> bytes:
        create_master_key(file)
        return file.read_bytes()

    with ThreadPoolExecutor(16) as processes:
        assert len(set(processes.map(make, range(64)))) == 1
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    MasterKey.from_file(file)


def test_one_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    create_master_key(file)
    before = file.read_bytes()
    create_master_key(file)
    assert file.read_bytes() == before
