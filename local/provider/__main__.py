"""Serves the simulated provider on this computer: ``python -m local.provider --port 0 --access-key A …``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import sys
import threading
from types import FrameType

import uvicorn

from local.provider.app import create_app
from local.provider.faults.connection import with_transport
from local.provider.settings import AccountKeys, ProviderSettings

_HOST = "127.0.0.1"
_KEEP_ALIVE_S = 75


class _Server(uvicorn.Server):
    """Prints its address once it listens, and ends in order at a signal."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            print(json.dumps({"url": f"http://{_HOST}:{listening.getsockname()[1]}"}), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        self.should_exit = True


def main() -> None:
    """Reads the command line and serves until a signal or, if asked for, the end of stdin."""
    arguments = _arguments()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    # A truncated image is a response left open on purpose; uvicorn would log each one as an error.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing response" not in record.getMessage()
    )
    app = create_app(
        ProviderSettings(
            access_key=arguments.access_key,
            secret_key=arguments.secret_key,
            api_key=arguments.api_key,
            other_accounts=tuple(AccountKeys(*each) for each in arguments.account),
            public_url=arguments.public_url,
            task_seconds=arguments.task_seconds,
            max_slots=arguments.max_slots,
            webhook_secret=arguments.webhook_secret,
            pixels=arguments.pixels,
        )
    )
    server = _Server(
        uvicorn.Config(
            with_transport(app),
            log_level="warning",
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
    )
    if arguments.exit_with_stdin:
        threading.Thread(target=_exit_with_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[_listening_socket(arguments.port)])


def _arguments() -> argparse.Namespace:
    defaults = ProviderSettings(access_key="", secret_key="")
    parser = argparse.ArgumentParser(prog="python -m local.provider", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 chooses a free one")
    parser.add_argument("--public-url", help="what result links start with (default: the address of the request)")
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--api-key", help="a plain key that is accepted too")
    parser.add_argument(
        "--account",
        nargs=3,
        action="append",
        default=[],
        metavar=("NAME", "ACCESS_KEY", "SECRET_KEY"),
        help="another account with its own tasks and slots; may be repeated",
    )
    parser.add_argument("--task-seconds", type=float, default=defaults.task_seconds)
    parser.add_argument("--max-slots", type=int, default=defaults.max_slots, help="of each account")
    parser.add_argument("--webhook-secret", help="whsec_…, signs the callbacks")
    parser.add_argument("--pixels", type=int, default=defaults.pixels, help="size of a result image")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when stdin does")
    return parser.parse_args()


def _listening_socket(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((_HOST, port))
    return listening


def _exit_with_stdin(server: uvicorn.Server) -> None:
    # Python's own buffer has a lock; held by this waiting thread, it would break the end of the interpreter.
    while os.read(0, 4_096):
        continue
    server.should_exit = True


if __name__ == "__main__":
    main()
