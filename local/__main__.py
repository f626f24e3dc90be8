"""The command line: ``python -m local up`` runs the stack; ``python -m local run`` also runs a sample job."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from httpx import HTTPError
from rich.console import Console

from local.children import ChildFailedError
from local.deploy import DeployError
from local.narration import console_address
from local.picture_folder import copies_of_pictures
from local.providers import KeysError, RealProvider, price, real_provider
from local.serving import PortTakenError
from local.stack import TASKS_PATH, FolderTakenError, Options, Stack, StackError
from local.tour import Tour, TourError
from local.unfinished import unfinished

INTERRUPTED = 130
MOST_ACCOUNTS = 100
_SAME_REQUEST_S = 2.0
"""A supervisor may signal a process and then its whole group: a second SIGTERM this soon is the same request."""


_KEYS = (
    "With KLING_ACCESS_KEY and KLING_SECRET_KEY (or KLING_API_KEY) in the environment, the stack uses Kling itself in "
    "place of the simulated provider. KLING_API_URL chooses another of its hosts."
)


class Stop(BaseException):
    """The stack has to end: Ctrl-C or SIGTERM."""


def main() -> int:
    """Runs one command and returns its exit status: 2 if the port or the folder is taken, 1 if it failed."""
    arguments = _parse()
    console = Console(highlight=False, soft_wrap=True)
    complaints = Console(stderr=True, highlight=False, soft_wrap=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    tour = Tour(console, arguments.sample, arguments.state_dir) if arguments.command == "run" else None
    try:
        provider = real_provider(os.environ)
        if provider and tour and not _agreed(console, tour.images, yes=arguments.yes):
            return 2
        return _serve(arguments, console, tour, provider)
    except Stop:
        console.print("Stopped. Tasks and pictures of this stack are gone; saved files stay.")
        return 0 if tour is None or tour.done else INTERRUPTED
    except PortTakenError as error:
        complaints.print(f"{error}. Choose another one with PORT=.", markup=False)
        return 2
    except (FolderTakenError, KeysError) as error:
        complaints.print(str(error), markup=False)
        return 2
    except (ChildFailedError, DeployError, StackError, TourError, HTTPError, BotoCoreError, ClientError) as error:
        complaints.print(f"{type(error).__name__}: {error}", markup=False)
        return 1


def _serve(arguments: argparse.Namespace, console: Console, tour: Tour | None, provider: RealProvider | None) -> int:
    started = time.monotonic()
    console.print("Starting the stack…")
    options = Options(
        arguments.state_dir,
        arguments.port,
        provider_accounts=arguments.provider_accounts,
        real_provider=provider,
        removes_later=True,
    )
    with Stack(options) as stack, contextlib.ExitStack() as running:
        here = stack.description
        console.print(f"Ready after {time.monotonic() - started:.1f} s: {here['api_url']}")
        if provider:
            running.enter_context(_with_real_provider(stack, provider, console, arguments.pictures))
        else:
            console.print("Provider: simulated. It draws pictures and costs nothing.")
        console.print(f"Console (signed in): {console_address(here)}")
        if tour is not None:
            tour.show(stack, stays=not arguments.once)
            if arguments.once:
                return 0
        threading.Thread(target=start_submit, args=(here,), daemon=True).start()
        console.print(f"Keys and addresses: {stack.description_file}.")
        console.print("Press Ctrl-C to stop. The gallery ends with the stack: save your pictures first.")
        sys.stdout.flush()
        while True:
            stack.check()
            time.sleep(0.5)


def start_submit(here: Mapping[str, str]) -> None:
    """Starts the first process of the function behind creates, by a create that is refused; it then stays.

    A crowd of drops takes every processor for longer than a create may last.
    """
    headers = {"Authorization": f"Bearer {here['api_key']}"}
    # The stack may stop before it answers.
    with contextlib.suppress(HTTPError):
        httpx.post(f"{here['api_url']}{TASKS_PATH}", content=b"{}", headers=headers, timeout=60, trust_env=False)


@contextlib.contextmanager
def _with_real_provider(stack: Stack, provider: RealProvider, console: Console, folder: Path) -> Iterator[None]:
    """Says what it costs, copies every picture into a folder, and names the tasks that a stop leaves behind."""
    console.print(f"Provider: Kling itself ({provider.host}). Each picture costs {price()}.")
    console.print(f"Every picture is also copied to {folder}/. Only running tasks are lost when the stack stops.")
    bus = stack.description["event_bus"]
    try:
        with copies_of_pictures(stack.clients, bus, folder, lambda line: console.print(line, markup=False)):
            yield
    finally:
        for line in unfinished(stack.description):
            console.print(line, markup=False)


def _agreed(console: Console, images: int, *, yes: bool) -> bool:
    """Whether the person agrees to pay for the sample job."""
    cost = f"The sample job makes {images} pictures at Kling and costs {price(images)}."
    if yes:
        console.print(cost)
        return True
    if not sys.stdin.isatty():
        console.print(f"{cost} Run `make run YES=1` to agree, or `make up` to start the stack without it.")
        return False
    return console.input(f"{cost} Continue? [y/N] ", markup=False).strip().lower() in ("y", "yes")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__, epilog=_KEYS)
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--port", type=int, default=8080, help="port of the API; 0 chooses a free one (default: 8080)")
    shared.add_argument(
        "--state-dir", type=Path, default=Path(".kiln"), help="folder for stack.json and logs (default: .kiln)"
    )
    shared.add_argument(
        "--provider-accounts", type=_count, default=1, help="accounts of the simulated provider (default: 1)"
    )
    shared.add_argument(
        "--pictures",
        type=Path,
        default=Path("pictures"),
        help="folder that real pictures are copied to (default: pictures)",
    )
    commands.add_parser("up", parents=[shared], help="run the stack until Ctrl-C")
    run = commands.add_parser("run", parents=[shared], help="run the stack, and a sample job in it")
    run.add_argument("--once", action="store_true", help="stop after the sample job")
    run.add_argument("--yes", action="store_true", help="agree to the cost of the sample job at the real provider")
    run.add_argument("--sample", type=Path, default=Path("samples/lantern-cat"), help="the folder of the sample job")
    return parser.parse_args()


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_ACCOUNTS:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_ACCOUNTS}, got {text}")
    return count


def _stop(_number: int, _frame: FrameType | None) -> None:
    # A second signal ends the process at once. Its children notice that, and end too.
    since = time.monotonic()

    def end(number: int, frame: FrameType | None) -> None:
        if time.monotonic() - since >= _SAME_REQUEST_S:
            _end(number, frame)

    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, end)
    # Not print(): the signal may have interrupted one.
    os.write(sys.stdout.fileno(), "\nStopping…\n".encode())
    raise Stop


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(sys.stdout.fileno(), b"\nEnded at once; its processes end by themselves.\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
