"""AWS as a process of its own that answers everything at once: what Kiln's own work is measured against."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_UPDATED = {"Attributes": {"tasks": {"N": "7"}, "finish_tag": {"N": "1007"}}}
_ANSWERS: dict[str, Any] = {
    "UpdateItem": _UPDATED,
    "GetItem": {"Item": {"virtual_time": {"N": "5"}}},
    "PutItem": {},
}


class _Service(BaseHTTPRequestHandler):
    """DynamoDB by the operation in its header, Secrets Manager by what it was given, S3 by its verbs."""

    protocol_version = "HTTP/1.1"
    # Headers and body go out in one packet, and no packet waits for another.
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
        """Asks for the body now: it is being waited for."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""

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
    """Runs it, and gives its address.

    Args:
        secrets: What Secrets Manager answers, by the secret's id.
    """
    given = json.dumps({name: json.dumps(secret) for name, secret in secrets.items()})
    command = [sys.executable, "-m", "benchmarks.stub_aws", given]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("pipes were asked for")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    """Serves until the process is ended."""
    _Service.secrets = json.loads(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
