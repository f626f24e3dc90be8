"""The command ``kiln``: every subcommand is mounted here, and every error becomes one line and an exit status."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import httpx
import typer

from kiln_cli.failures import explain
from kiln_cli.operating import callers, dispatch, doctor, provider_keys, task
from kiln_cli.operating.command import FOR_OPERATORS
from kiln_cli.pictures import looking, saving, signing_in, submitting
from kiln_cli.pictures.command import TRANSPORT
from kiln_client.version import VERSION

EXIT_STATUSES = (
    "Exit status: 0 done, 1 the task failed or the request was refused, 2 wrong usage, 3 nothing answers, "
    "4 the key is not known, 5 no such task, 124 not finished in time, 130 interrupted."
)

app = typer.Typer(
    name="kiln",
    epilog=EXIT_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    submitting.submit,
    looking.watch,
    looking.list_tasks,
    looking.get,
    saving.save,
    submitting.retry,
    looking.cancel,
    looking.open_console,
    signing_in.login,
):
    command.mount(app)

# The operators' commands: what is mounted here may import boto3 only when it runs.
for group in (callers, provider_keys, task, dispatch):
    app.add_typer(group.app, rich_help_panel=FOR_OPERATORS)
app.add_typer(doctor.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(VERSION)
        raise typer.Exit


@app.callback()
def kiln(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Turns reference images into generated images. Try: kiln submit cat.png --prompt TEXT."""


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and ends the process with its exit status."""
    # Whoever ends it from outside is told what Ctrl-C tells: which task goes on, and how to look at it again.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str], *, transport: httpx.BaseTransport | None = None) -> int:
    """Runs one command and gives its exit status; what went wrong is one line on stderr.

    Args:
        arguments: Those of the command line, without the program's name.
        transport: What to send with, if not httpx's own.
    """
    TRANSPORT.set(transport)
    try:
        status: Any = app(arguments, prog_name="kiln", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - what is not expected is raised again there
        return explain(error, as_json="--json" in arguments)
    return status if isinstance(status, int) else 0
