"""A process that serves images as fast as it can: the provider's store and S3 in one.

Every ``GET`` answers the same image. The body of a ``PUT`` is read and dropped. With a certificate it speaks TLS.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring.child_process import serve, serving
from benchmarks.measuring.sample_images import png_of

_PIECE = 1 << 18
_HEADERS_END = b"\r\n\r\n"


@contextlib.contextmanager
def byte_server(size: int, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Run it, and yield its address.

    Args:
        size: Of the image, in bytes.
        certificate: And its key, for TLS.
    """
    with serving("benchmarks.measuring.copying.byte_server", str(size), *map(str, certificate or ())) as address:
        yield address


def _answer(connection: socket.socket, answer: bytes, context: ssl.SSLContext | None) -> None:
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
            received = _read_body(connection, received, lines, buffer)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "0"\r\n\r\n')


def _read_body(connection: socket.socket, received: bytes, lines: list[str], buffer: memoryview) -> bytes:
    """Read a request's body to its end. Returns what follows it."""
    length_line = next((line for line in lines if line.startswith("content-length:")), "")
    if length_line:
        left = int(length_line.partition(":")[2]) - len(received)
        while left > 0:
            left -= connection.recv_into(buffer, min(left, _PIECE)) or left
        return b""
    # Chunked, as the SDK sends a body that ends with a checksum. The last chunk's trailer closes it.
    tail = received
    while not (tail.endswith(_HEADERS_END) and b"\r\n0\r\n" in tail[-200:]):
        count = connection.recv_into(buffer, _PIECE)
        if not count:
            return b""
        tail = (tail + bytes(buffer[max(0, count - 256) : count]))[-512:]
    return b""


def main() -> None:
    """Serve until stdin ends."""
    image = png_of(int(sys.argv[1]))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(image)}\r\n\r\n".encode()
    context = None
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)

    def run() -> None:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_answer, args=(connection, head + image, context), daemon=True).start()

    serve(f"{'https' if context else 'http'}://127.0.0.1:{listening.getsockname()[1]}", run)


if __name__ == "__main__":
    main()
