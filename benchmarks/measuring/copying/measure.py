"""``Collect``'s copying of nine images, beside a raw relay of the same bytes and the obvious way.

Each way runs in its own process. The images' source and target are another process, so CPU and memory are those
of the copying only.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import certifi

from benchmarks import ROOT
from benchmarks.data.figure import Figure
from benchmarks.measuring.child_process import child_environment
from benchmarks.measuring.copying.byte_server import byte_server
from benchmarks.measuring.copying.certificate import write_certificate
from benchmarks.measuring.copying.ways import IMAGES, WAYS

SIZES = (8_000_000, 40_000_000)
ROUNDS = 5
_WARM_BYTES = 100_000


@dataclass(frozen=True)
class Run:
    """Cost of copying nine images: seconds, seconds of CPU, and bytes of memory beyond those of the warm process."""

    wall: float
    cpu: float
    memory: int

    def per_gigabyte(self, size: int) -> float:
        """Return the seconds of CPU for a gigabyte."""
        return self.cpu / (IMAGES * size / 1e9)


def measure_copying() -> Iterator[Figure]:
    """Copy nine images of 8 MB and of 40 MB, over HTTP and over HTTPS."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = write_certificate(Path(folder))
        for size in SIZES:
            for secure in (False, True):
                yield from _figures(size, _medians(size, certificate if secure else None), secure=secure)


def _figures(size: int, runs: dict[str, Run], *, secure: bool) -> Iterator[Figure]:
    kiln, raw, obvious = runs["kiln"], runs["raw"], runs["obvious"]
    name = f"collect 9 × {size // 1_000_000} MB over {'HTTPS' if secure else 'HTTP'}"
    rate = IMAGES * size / 1e6
    if not secure:
        yield Figure(
            f"{name}: speed",
            f"{rate / kiln.wall:.0f} MB/s",
            f"{rate / raw.wall:.0f} MB/s: raw relay, as many at a time",
            raw.wall / kiln.wall,
            0.6,
            at_least=True,
        )
    yield Figure(
        f"{name}: CPU",
        f"{kiln.per_gigabyte(size):.2f} s/GB",
        f"{obvious.per_gigabyte(size):.2f} s/GB: httpx read, put_object",
        kiln.cpu / obvious.cpu,
        # Over HTTP there is no goal: it is 0.02 s of a task that takes 27 s, and the promised sha256 is a third of it.
        0.65 if secure else None,
    )
    yield Figure(
        f"{name}: extra memory",
        f"{kiln.memory / 1e6:.1f} MB",
        f"{obvious.memory / 1e6:.0f} MB: httpx read, put_object",
        kiln.memory / 1e6,
        12.0,
    )


def _bundle(certificate: Path) -> Path:
    """Return a bundle of all public roots and the certificate: in production every context reads that many."""
    bundle = certificate.with_name("bundle.pem")
    bundle.write_text(Path(certifi.where()).read_text("utf-8") + certificate.read_text("utf-8"), encoding="utf-8")
    return bundle


def _medians(size: int, certificate: tuple[Path, Path] | None) -> dict[str, Run]:
    """Run the ways in turn, each time in a new process, and return each one's medians."""
    with ExitStack() as servers:
        source, warm = (servers.enter_context(byte_server(each, certificate)) for each in (size, _WARM_BYTES))
        environment = {
            **child_environment(source),
            "BOTO_DISABLE_CRT": "true",
            "ALLOW_HTTP_RESULTS": "true",
            "ALLOW_PRIVATE_RESULTS": "true",
        }
        if certificate:
            bundle = str(_bundle(certificate[0]))
            environment |= {"SSL_CERT_FILE": bundle, "AWS_CA_BUNDLE": bundle}
        taken: dict[str, list[Run]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, runs in taken.items():
                command = [sys.executable, "-m", "benchmarks.measuring.copying.ways", name, source, warm]
                done = subprocess.run(command, check=True, env=environment, cwd=ROOT, stdout=subprocess.PIPE)
                runs.append(Run(**json.loads(done.stdout)))
    return {
        name: Run(
            statistics.median(run.wall for run in runs),
            statistics.median(run.cpu for run in runs),
            int(statistics.median(run.memory for run in runs)),
        )
        for name, runs in taken.items()
    }
