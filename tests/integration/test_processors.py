"""The API keeps to the processor that it is told, and what it starts does not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from deploy.processors import ProcessorError, keep_to

HELD = """
import os, threading
from deploy.processors import keep_to, use_all
let = threading.Event()
before = threading.Thread(target=let.wait)
before.start()
first = min(os.sched_getaffinity(0))
keep_to(first)
seen = [os.sched_getaffinity(before.native_id)]
after = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
after.start()
after.join()
let.set()
assert seen == [{first}, {first}], seen
use_all()
assert len(os.sched_getaffinity(0)) == int(input()), os.sched_getaffinity(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processors are named on Linux alone")
def test_all_threads_keep_to_it_and_a_process_that_is_started_may_use_all() -> None:
    there_are = str(len(os.sched_getaffinity(0)))
    done = subprocess.run([sys.executable, "-c", HELD], input=there_are, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_processor_that_there_is_not_is_told_with_those_there_are() -> None:
    before = os.sched_getaffinity(threading.get_native_id())
    with pytest.raises(ProcessorError, match="allowed"):
        keep_to(4_000)
    assert os.sched_getaffinity(threading.get_native_id()) == before
