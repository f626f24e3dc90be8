"""The CPU time of a local stack: of its process and of all below it, ended or not."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measuring.tasks.waiting import cores_used, cpu_seconds

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_ended_child_counts() -> None:
    before = cpu_seconds()
    subprocess.run([sys.executable, "-S", "-c", BUSY], check=True)
    assert cpu_seconds() - before >= 0.25


def test_running_child_counts() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as child:
        busy = cores_used(0.5)
        child.kill()
    assert busy > 0.02
