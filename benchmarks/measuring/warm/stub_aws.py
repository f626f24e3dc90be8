"""A stub of AWS in another process that answers everything at once, so that only Kiln's own work is measured."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.measuring.child_process import serve, serving

_UPDATED = {"Attributes": {"tasks": {"N": "7"}, "finish_tag": {"N": "1007"}}}
_ANSWERS: dict[str, Any] = {
    "UpdateItem": _UPDATED,
    "GetItem": {"Item": {"virtual_time": {"N": "5"}}},
    "PutItem": {},
}


class _Service(BaseHTTPRequestHandler):
    """Answers for DynamoDB by the operation in its header, for Secrets Manager by its secrets, for S3 by verb."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet, and no packet waits for another.
    wbufsize = -1
    disable_nagle_algorithm = True
    secrets: dict[str, str] = {}  # noqa: RUF012 - one set for the process

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2]
        if operation == "GetSecretValue":
            self._answer({"SecretString": self.secrets[json.loads(body)["SecretId"]]})
        else:
            self._answer(_ANSWERS[operation])

    def do_PUT(self) -> None:
        if "Content-Length" in self.headers:
            self.rfile.read(int(self.headers["Content-Length"]))
        else:
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            while self.rfile.readline() not in (b"\r\n", b""):
                continue
        self._answer(None)

    def handle_expect_100(self) -> bool:
        """Ask for the body at once, because the client waits for that."""
        is_expected = super().handle_expect_100()
        self.wfile.flush()
        return is_expected

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def _answer(self, answer: dict[str, Any] | None) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", "0")
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def stub_aws(secrets: dict[str, object]) -> Iterator[str]:
    """Run it, and yield its address.

    Args:
        secrets: The answers of Secrets Manager, by the secret's id.
    """
    given = json.dumps({name: json.dumps(secret) for name, secret in secrets.items()})
    with serving("benchmarks.measuring.warm.stub_aws", given) as address:
        yield address


def main() -> None:
    """Serve until stdin ends."""
    _Service.secrets = json.loads(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.daemon_threads = True
    serve(f"http://127.0.0.1:{server.server_port}", server.serve_forever)


if __name__ == "__main__":
    main()
