"""Runs the local AWS until its stdin ends (``python -m local.aws_runner 3``, 3 being an inherited listening socket)."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

from local.function_processes import fork_functions

_OPEN_FILES = 10_240


def main(listening: int) -> None:
    """Serves the emulator on a socket; its settings are environment variables."""
    threading.Thread(target=_end_with_stdin, name="end-with-stdin", daemon=True).start()
    _raise_file_limit()
    fork_functions()
    config = Config()
    config.bind = [f"fd://{listening}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    asyncio.run(serve(app, config))


def _end_with_stdin() -> None:
    """Ends this process and its group, which includes the Lambda workers, once stdin is closed."""
    while os.read(0, 4096):
        continue
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _raise_file_limit() -> None:
    """Allows open files for the pipes of many Lambda workers and the sockets of many callers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]))
