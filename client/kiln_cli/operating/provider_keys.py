"""``kiln provider-keys``: the provider's accounts and their keys. Kiln itself checks that the provider accepts them."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating import accounts_secret
from kiln_cli.operating.accounts_secret import COPY_SECONDS, DEFAULT, LARGEST_WEIGHT, AccountsSecret, Entry
from kiln_cli.operating.operations import operate
from kiln_cli.operating.session import OperatorCommand, OperatorSession
from kiln_cli.operating.slot_counts import ModelSlots, Slots, counts, described

app = typer.Typer(
    name="provider-keys", help="The provider's accounts: keys, slots, check, drain.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The account's name in Kiln, of your choice")]
ApiKey = Annotated[bool, typer.Option("--api-key", help="One API key instead of an access key and a secret key")]
WebhookSecret = Annotated[bool, typer.Option("--webhook-secret", help="Also the account's webhook secret")]
Weight = Annotated[
    int | None,
    typer.Option(help="Its share of new tasks among accounts with free slots (1)", min=1, max=LARGEST_WEIGHT),
]

_NOTE = f"Warm functions use the old keys for up to {COPY_SECONDS} seconds: keep the old keys valid for that long."
_PAUSE_SECONDS = 2.0


@app.command("set", cls=OperatorCommand)
def set_keys(
    session: OperatorSession,
    name: Annotated[str, typer.Argument(help="The account")] = DEFAULT,
    api_key: ApiKey = False,
    webhook_secret: WebhookSecret = False,
) -> None:
    """Store new keys and check that the provider accepts them. Asks for the keys, or reads one per line from a pipe."""
    secret = AccountsSecret(session.installation)
    entries = secret.read()
    if secret.is_pair and name == DEFAULT:
        secret.write_pair(_read_keys(api_key=api_key, webhook_secret=webhook_secret))
    else:
        accounts_secret.of(entries, name)
        keys = _read_keys(api_key=api_key, webhook_secret=webhook_secret)
        secret.write(accounts_secret.change(entries, name, accounts_secret.replaced(keys)))
    session.terminal.remark(_NOTE)
    refusal = _report(session, operate(session.installation, "check-provider"), name)
    if refusal:
        raise CommandFailed(f"{refusal}; the new keys are stored, the old ones are the secret's version AWSPREVIOUS")


@app.command("check", cls=OperatorCommand)
def check(
    session: OperatorSession, name: Annotated[str, typer.Argument(help="The account; every account without it")] = ""
) -> None:
    """Check that the provider accepts the stored keys of each account, or of one. Kiln itself asks it."""
    checked = operate(session.installation, "check-provider")
    if name and checked.get("accounts"):
        only = accounts_secret.of(checked["accounts"], name)
        checked |= {"accepted": only["accepted"], "reason": only["reason"], "accounts": [only]}
    refusal = _report(session, checked)
    if refusal:
        raise CommandFailed(refusal)


@app.command("add", cls=OperatorCommand)
def add(
    session: OperatorSession,
    name: Name,
    slots: Slots = None,
    model_slots: ModelSlots = None,
    weight: Weight = None,
    api_key: ApiKey = False,
    webhook_secret: WebhookSecret = False,
) -> None:
    """Add an account, and check its keys. It gets tasks within a minute."""
    its_slots = counts(slots, model_slots or [])
    if its_slots is None:
        raise CommandFailed(
            "--slots or --model-slots is required: how many images the account generates at once", USAGE
        )
    secret = AccountsSecret(session.installation)
    entry: Entry = {"name": name, "slots": its_slots, "weight": weight or 1}
    # No task is dispatched to an account before its keys are accepted.
    entries = accounts_secret.add(secret.read(), entry | {"draining": True})
    secret.write(accounts_secret.change(entries, name, _read_keys(api_key=api_key, webhook_secret=webhook_secret)))
    refusal = _report(session, operate(session.installation, "check-provider"), name, is_quiet=True)
    if refusal:
        raise CommandFailed(
            f"{refusal}; {name} is stored as draining: store other keys with kiln provider-keys set {name}, "
            f"then run kiln provider-keys undrain {name}"
        )
    entry = _change(session, name, {"draining": False})
    session.answer(
        _shown(entry, _default_slots(session)),
        f"{name} is added with {described(its_slots)}. It gets tasks within a minute.",
    )


@app.command("update", cls=OperatorCommand)
def update(
    session: OperatorSession, name: Name, slots: Slots = None, model_slots: ModelSlots = None, weight: Weight = None
) -> None:
    """Change an account's slots or weight."""
    its_slots = counts(slots, model_slots or [])
    changed = {"slots": its_slots, "weight": weight}
    fields = {field: value for field, value in changed.items() if value is not None}
    if not fields:
        raise CommandFailed("--slots, --model-slots or --weight is required", USAGE)
    entry = _change(session, name, fields)
    words = f"{name} has {described(_slots(session, entry))} and weight {entry.get('weight', 1)}"
    session.answer(_shown(entry, _default_slots(session)), f"{words} within {COPY_SECONDS} seconds.")


@app.command("list", cls=OperatorCommand)
def list_accounts(session: OperatorSession) -> None:
    """List the accounts, without their keys."""
    default = _default_slots(session)
    accounts = [_shown(each, default) for each in AccountsSecret(session.installation).read()]
    terminal = session.terminal
    if terminal.as_json:
        terminal.document({"accounts": accounts})
        return
    rows = [
        (
            each["name"],
            described(each["slots"]),
            str(each["weight"]),
            each["keys"],
            "signed" if each["has_webhook_secret"] else "unsigned",
            "draining" if each["draining"] else "open",
        )
        for each in accounts
    ]
    if not terminal.is_watched:
        terminal.rows(rows)
        return
    from rich.table import Table  # noqa: PLC0415 - a pipe saves a fifth of a second

    table = Table("account", "slots", "weight", "keys", "callbacks", "tasks", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    terminal.show(table if rows else "No accounts yet. Store keys with kiln provider-keys set.")


@app.command("drain", cls=OperatorCommand)
def drain(session: OperatorSession, name: Name) -> None:
    """Give an account no new tasks. Its running tasks finish there."""
    secret = AccountsSecret(session.installation)
    entries = accounts_secret.change(secret.read(), name, {"draining": True})
    secret.write(entries)
    when = f"after {COPY_SECONDS} seconds at most"
    said = [f"{name} gets no new tasks {when}; its running tasks finish there. See kiln dispatch status."]
    if not accounts_secret.has_open(entries):
        said.append("No account gets tasks now: new tasks wait.")
    session.answer(_shown(accounts_secret.of(entries, name), _default_slots(session)), *said)


@app.command("undrain", cls=OperatorCommand)
def undrain(
    session: OperatorSession,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Without a check that the provider accepts its keys")] = False,
) -> None:
    """Check an account's keys, and give it tasks again."""
    accounts_secret.of(AccountsSecret(session.installation).read(), name)
    checked = {} if force else operate(session.installation, "check-provider")
    if checked and (refusal := _report(session, checked, name, is_quiet=True)):
        raise CommandFailed(
            f"{refusal}; {name} gets no tasks: store other keys with kiln provider-keys set {name}, or pass --force"
        )
    entry = _change(session, name, {"draining": False})
    session.answer(_shown(entry, _default_slots(session)), f"{name} is open again. It gets tasks within a minute.")


@app.command("remove", cls=OperatorCommand)
def remove(
    session: OperatorSession,
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Even if it has running tasks; Kiln can then not get their images")
    ] = False,
) -> None:
    """Remove an account and its keys. An account that is not drained yet is drained first."""
    secret = AccountsSecret(session.installation)
    entries = secret.read()
    accounts_secret.remove(entries, name)
    if not force:
        _check_idle(session, name)
        if not accounts_secret.of(entries, name).get("draining"):
            secret.write(accounts_secret.change(entries, name, {"draining": True}))
            _wait_until_noticed(session, name)
    secret.write(accounts_secret.remove(secret.read(), name))
    session.answer({"name": name, "removed": True}, f"{name} is removed.")


def _change(session: OperatorSession, name: str, fields: dict[str, Any]) -> Entry:
    secret = AccountsSecret(session.installation)
    entries = accounts_secret.change(secret.read(), name, fields)
    secret.write(entries)
    return accounts_secret.of(entries, name)


def _wait_until_noticed(session: OperatorSession, name: str) -> None:
    """Waits until no function can have an older copy of the accounts, and checks that the account is still idle."""
    session.terminal.remark(f"{name} is draining; waiting {COPY_SECONDS} seconds until every function knows …")
    ends_at = time.monotonic() + COPY_SECONDS
    while (left := ends_at - time.monotonic()) > 0:
        time.sleep(min(_PAUSE_SECONDS, left))
        _check_idle(session, name)
    _check_idle(session, name)


def _check_idle(session: OperatorSession, name: str) -> None:
    now = operate(session.installation, "status")
    mine = [each for each in now.get("accounts", []) if each["name"] == name]
    # An installation without an answer by account says only how many slots are held in all.
    held = sum(each["held"] for each in mine) if "accounts" in now else now["held"]
    if held:
        raise CommandFailed(
            f"{name} holds {held} slot{'s' * (held != 1)}: run kiln provider-keys drain {name}, "
            "wait until kiln dispatch status shows 0 held, and try again; or pass --force"
        )


def _report(session: OperatorSession, checked: dict[str, Any], name: str = "", *, is_quiet: bool = False) -> str:
    """Prints which accounts the provider accepts, and returns why it refuses others, or one account."""
    accounts, url = checked.get("accounts", []), checked["provider_url"]
    if session.terminal.as_json and not is_quiet:
        session.terminal.document(checked)
    if len(accounts) < 2:
        shown = [("", checked)]
    else:
        shown = [(f" of {each['name']}", each) for each in accounts if name in {"", each["name"]}]
    if not session.terminal.as_json and not is_quiet:
        session.terminal.lines(f"{url} accepts the keys{owner}." for owner, each in shown if each["accepted"])
    return "; ".join(
        f"{url} refuses the keys{owner}: {each['reason']}" for owner, each in shown if not each["accepted"]
    )


def _shown(entry: Entry, default_slots: int) -> dict[str, Any]:
    return {
        "name": entry["name"],
        "slots": default_slots if entry.get("slots") is None else entry["slots"],
        "weight": entry.get("weight") or 1,
        "draining": bool(entry.get("draining")),
        "keys": "API key" if entry.get("api_key") else "access key",
        "has_webhook_secret": bool(entry.get("webhook_secret")),
    }


def _slots(session: OperatorSession, entry: Entry) -> int | dict[str, int]:
    slots: int | dict[str, int] = _shown(entry, _default_slots(session))["slots"]
    return slots


def _default_slots(session: OperatorSession) -> int:
    return int(session.installation.parameters.get("ProviderSlots") or 0)


def _read_keys(*, api_key: bool, webhook_secret: bool) -> dict[str, str]:
    names = (["api_key"] if api_key else ["access_key", "secret_key"]) + (["webhook_secret"] if webhook_secret else [])
    return {name: _read(name, names) for name in names}


def _read(name: str, names: list[str]) -> str:
    words = name.replace("_", " ").replace("api", "API")
    has_terminal = sys.stdin.isatty()
    # The prompt must not be part of the output.
    value = typer.prompt(words, hide_input=True, default="", show_default=False, err=True) if has_terminal else None
    value = sys.stdin.readline() if value is None else str(value)
    if not value.strip():
        hint = "" if has_terminal else f"; there is no terminal to ask on, so pipe in one line each: {', '.join(names)}"
        raise CommandFailed(f"no {words} entered{hint}", USAGE)
    return value.strip()
