"""The three ways to copy images: Kiln's, the obvious one, and a raw relay. Each runs as a separate process."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

IMAGES = 9
_PIECE = 1 << 18

Copy = Callable[[int, str, str], None]
"""Copies an image, given its number, its source and the address of its target."""


def _kiln() -> tuple[Copy, int]:
    from kiln.images.copying import CONCURRENT_COPIES, copy_image  # noqa: PLC0415 - only in this way's process

    def copy(index: int, source: str, _target: str) -> None:
        copy_image(str(index), f"{source}/image", bucket="outbox", prefix="tasks/bench")

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


WAYS: dict[str, Callable[[], tuple[Copy, int]]] = {"kiln": _kiln, "raw": _raw, "obvious": _obvious}


def _peak() -> int:
    """Return the most memory that this process has had, in bytes. ``getrusage`` would include its parent's."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def main() -> None:
    """Copy nine images in the way of the first argument, and print what it took."""
    name, source, warm = sys.argv[1:]
    copy, at_a_time = WAYS[name]()
    # A warm function already has its imports, clients and certificates.
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
