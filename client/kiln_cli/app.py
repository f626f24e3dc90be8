"""The command ``kiln``: all subcommands are added here, and every error becomes one line and an exit status."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TextIO

import httpx
import typer

from kiln_cli.acceptance import command as acceptance
from kiln_cli.failures import report
from kiln_cli.operating import callers, dispatch, doctor, logs, provider_keys, task, teardown
from kiln_cli.operating.erase import erase
from kiln_cli.operating.session import FOR_OPERATORS, OperatorCommand
from kiln_cli.pictures import batches, webhooks
from kiln_cli.pictures.cancel import cancel
from kiln_cli.pictures.delete import delete
from kiln_cli.pictures.get import get
from kiln_cli.pictures.list_tasks import list_tasks
from kiln_cli.pictures.login import login
from kiln_cli.pictures.mcp import mcp
from kiln_cli.pictures.open_console import open_console
from kiln_cli.pictures.rerun import rerun
from kiln_cli.pictures.retry import retry
from kiln_cli.pictures.save import save
from kiln_cli.pictures.session import TRANSPORT, PicturesCommand
from kiln_cli.pictures.submit import submit
from kiln_cli.pictures.usage import usage
from kiln_cli.pictures.watch import watch
from kiln_cli.pictures.whoami import logout, whoami
from kiln_client import IgnoredFields
from kiln_client.version import VERSION

EXIT_STATUSES = (
    "Exit status: 0 success, 1 the task failed or the request was refused, 2 wrong usage, 3 Kiln does not answer, "
    "4 unknown key, 5 no such task, 124 not finished in time, 130 interrupted."
)

app = typer.Typer(
    name="kiln",
    epilog=EXIT_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PICTURES: dict[str, Callable[..., None]] = {
    "submit": submit,
    "watch": watch,
    "list": list_tasks,
    "get": get,
    "save": save,
    "retry": retry,
    "rerun": rerun,
    "cancel": cancel,
    "usage": usage,
    "delete": delete,
    "open": open_console,
    "mcp": mcp,
    "login": login,
    "whoami": whoami,
    "logout": logout,
}
for name, command in _PICTURES.items():
    app.command(name, cls=PicturesCommand)(command)

app.add_typer(batches.app)
app.add_typer(webhooks.app)

callers.app.command("erase", cls=OperatorCommand)(erase)
# The commands for operators import boto3 only when they run.
for group in (callers, provider_keys, task, dispatch):
    app.add_typer(group.app, rich_help_panel=FOR_OPERATORS)
app.add_typer(doctor.app)
app.add_typer(logs.app)
app.add_typer(acceptance.app)
app.add_typer(teardown.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(VERSION)
        raise typer.Exit


@app.callback()
def kiln(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Generates images from your pictures. Try: kiln submit cat.png --prompt TEXT."""


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and ends the process with its exit status."""
    # SIGTERM prints the same hints as Ctrl-C: the task that keeps running, and how to watch it again.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001 - Python's own signature
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    print(f"kiln: warning: {message}", file=sys.stderr)


@cache
def _commands() -> Callable[..., Any]:
    """The tree of commands; Typer itself makes it for every call."""
    return typer.main.get_command(app)


def run(arguments: list[str], *, transport: httpx.BaseTransport | None = None) -> int:
    """Runs one command and returns its exit status; an error is one line on stderr.

    Args:
        arguments: The command line without the program's name.
        transport: Replaces httpx's own transport.
    """
    TRANSPORT.set(transport)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", IgnoredFields)
            warnings.showwarning = _show_warning
            status: Any = _commands()(arguments, prog_name="kiln", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - an unexpected error is raised again there
        return report(error, as_json="--json" in arguments)
    return status if isinstance(status, int) else 0
