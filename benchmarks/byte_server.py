"""A process that gives images as fast as bytes go and takes them for nothing: the provider's store and S3 in one.

``GET`` of anything answers one and the same image; what is ``PUT`` is read and forgotten. With a certificate it speaks
TLS.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.pictures import png_of
from local.children import ROOT

_PIECE = 1 << 18
_HEADERS_END = b"\r\n\r\n"


@contextlib.contextmanager
def byte_server(size: int, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Runs it, and gives its address.

    Args:
        size: Of the image, in bytes.
        certificate: And its key, for TLS.
    """
    command = [sys.executable, "-m", "benchmarks.byte_server", str(size), *map(str, certificate or ())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        try:
            scheme = "https" if certificate else "http"
            yield f"{scheme}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _serve(connection: socket.socket, answer: bytes, context: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        closing.callback(connection.close)
        buffer = memoryview(bytearray(_PIECE))
        received = b""
        while True:
            while _HEADERS_END not in received:
                piece = connection.recv(_PIECE)
                if not piece:
                    return
                received += piece
            head, _, received = received.partition(_HEADERS_END)
            lines = head.decode("latin-1").lower().split("\r\n")
            if lines[0].startswith("get"):
                connection.sendall(answer)
                continue
            if "expect: 100-continue" in lines:
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            received = _take(connection, received, lines, buffer)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "0"\r\n\r\n')


def _take(connection: socket.socket, received: bytes, lines: list[str], buffer: memoryview) -> bytes:
    """Reads a request's body to its end and gives what came after it."""
    announced = next((line for line in lines if line.startswith("content-length:")), "")
    if announced:
        left = int(announced.partition(":")[2]) - len(received)
        while left > 0:
            left -= connection.recv_into(buffer, min(left, _PIECE)) or left
        return b""
    # Chunked, as the SDK sends what ends with a checksum: the last chunk's trailer closes it.
    tail = received
    while not (tail.endswith(_HEADERS_END) and b"\r\n0\r\n" in tail[-200:]):
        count = connection.recv_into(buffer, _PIECE)
        if not count:
            return b""
        tail = (tail + bytes(buffer[max(0, count - 256) : count]))[-512:]
    return b""


def main() -> None:
    """Serves until the process is ended."""
    image = png_of(int(sys.argv[1]))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(image)}\r\n\r\n".encode()
    context = None
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listening.getsockname()[1], flush=True)
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_serve, args=(connection, head + image, context), daemon=True).start()


if __name__ == "__main__":
    main()
