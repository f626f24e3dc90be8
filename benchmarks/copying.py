"""``Collect``'s copying of nine images, beside a raw relay of the same bytes and the obvious way.

Each runs in a process of its own; where the images come from and go to is another, so that CPU and memory are the
copying's alone.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.byte_server import byte_server
from benchmarks.certificate import write_certificate
from benchmarks.figure import Figure
from local.children import ROOT, clean_environment

IMAGES = 9
SIZES = (8_000_000, 40_000_000)
ROUNDS = 5
_WARM_BYTES = 100_000
_PIECE = 1 << 18

Copy = Callable[[int, str, str], None]
"""Copies an image: its number, where it is, and the address of where it goes."""


@dataclass(frozen=True)
class Run:
    """What copying nine images took: seconds, seconds of CPU, bytes of memory above what the process had before."""

    wall: float
    cpu: float
    memory: int

    def per_gigabyte(self, size: int) -> float:
        """Seconds of CPU for a gigabyte."""
        return self.cpu / (IMAGES * size / 1e9)


def measure_copying() -> Iterator[Figure]:
    """Nine images of 8 MB and of 40 MB, over HTTP and over HTTPS."""
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
        0.4 if secure else 0.25,
    )
    yield Figure(
        f"{name}: extra memory",
        f"{kiln.memory / 1e6:.1f} MB",
        f"{obvious.memory / 1e6:.0f} MB: httpx read, put_object",
        kiln.memory / 1e6,
        12.0,
    )


def _medians(size: int, certificate: tuple[Path, Path] | None) -> dict[str, Run]:
    """The ways by turns, a process for each time."""
    with ExitStack() as servers:
        source, warm = (servers.enter_context(byte_server(each, certificate)) for each in (size, _WARM_BYTES))
        environment = {
            **clean_environment(),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/kiln"), str(ROOT)]),
            "AWS_ENDPOINT_URL": source,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "BOTO_DISABLE_CRT": "true",
        }
        if certificate:
            environment |= {"SSL_CERT_FILE": str(certificate[0]), "AWS_CA_BUNDLE": str(certificate[0])}
        taken: dict[str, list[Run]] = {name: [] for name in _WAYS}
        for _ in range(ROUNDS):
            for name, runs in taken.items():
                command = [sys.executable, "-m", "benchmarks.copying", name, source, warm]
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


def _kiln() -> tuple[Copy, int]:
    from kiln.images.copying import CONCURRENT_COPIES, copy_image  # noqa: PLC0415 - in the process of this way alone

    def copy(index: int, source: str, _target: str) -> None:
        copy_image(index, f"{source}/image", bucket="outbox", prefix="tasks/bench")

    return copy, CONCURRENT_COPIES


def _obvious() -> tuple[Copy, int]:
    import boto3  # noqa: PLC0415
    import httpx  # noqa: PLC0415

    client, s3 = httpx.Client(timeout=60), boto3.client("s3")

    def copy(index: int, source: str, _target: str) -> None:
        content = client.get(f"{source}/image").content
        s3.put_object(Bucket="outbox", Key=f"tasks/bench/{index}.png", Body=content, ContentType="image/png")

    return copy, 1


def _raw() -> tuple[Copy, int]:
    return _relay, 4


def _relay(_index: int, source: str, target: str) -> None:
    with _connected(source) as reading, _connected(target) as writing:
        reading.sendall(b"GET /image HTTP/1.1\r\nHost: bench\r\n\r\n")
        buffer = memoryview(bytearray(_PIECE))
        count = reading.recv_into(buffer)
        head, _, rest = bytes(buffer[:count]).partition(b"\r\n\r\n")
        left = int(head.lower().rpartition(b"content-length:")[2].split(b"\r\n")[0]) - len(rest)
        writing.sendall(b"PUT /image HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n" % (left + len(rest)))
        writing.sendall(rest)
        while left:
            count = reading.recv_into(buffer)
            writing.sendall(buffer[:count])
            left -= count
        writing.recv(4_096)


def _connected(url: str) -> socket.socket:
    address = urlsplit(url)
    plain = socket.create_connection((str(address.hostname), int(address.port or 0)))
    return _context().wrap_socket(plain, server_hostname=address.hostname) if address.scheme == "https" else plain


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


_WAYS: dict[str, Callable[[], tuple[Copy, int]]] = {"kiln": _kiln, "raw": _raw, "obvious": _obvious}


def _peak() -> int:
    """The most memory this process has had, in bytes; ``getrusage`` would count in what its parent had."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def main() -> None:
    """Copies nine images in the way of the first argument and prints what it took."""
    name, source, warm = sys.argv[1:]
    copy, at_a_time = _WAYS[name]()
    # Imports, clients and certificates are there in a warm function, too.
    copy(0, warm, source)
    before = _peak()
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(at_a_time) as pool:
        for done in [pool.submit(copy, index, source, source) for index in range(IMAGES)]:
            done.result()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": _peak() - before}))


if __name__ == "__main__":
    main()
