"""``kiln acceptance``: tries a deployed stack from every side, prints a table, and writes a report."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from kiln_cli.acceptance import behind, channels, front, monitoring, provider, releases, storage, tasks
from kiln_cli.acceptance.bus import Subscriber
from kiln_cli.acceptance.findings import Finding, Outcome, report, row, skipped, summary
from kiln_cli.acceptance.receiver import Receiver
from kiln_cli.acceptance.trial import TASKS_PATH, Trial, data
from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating.callers_secret import CallersSecret
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.session import FOR_OPERATORS, OperatorCommand, OperatorSession, aws_failure

app = typer.Typer()

LOCAL_BUDGET = 20
"""Images of the simulated provider, which cost nothing."""

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_LOCAL_REQUESTS = 600

Checks = Callable[[], Iterator[Finding]]


@app.command("acceptance", cls=OperatorCommand, rich_help_panel=FOR_OPERATORS)
def acceptance(
    session: OperatorSession,
    budget: Annotated[
        int | None,
        typer.Option(min=0, help="The most images to generate; the provider charges them (1; local stack: 20)"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before images are generated")] = False,
    caller: Annotated[str, typer.Option(help="The caller to act as; default is the first one")] = "",
    webhook_url: Annotated[str, typer.Option(help="A public receiver that answers 200 to webhooks")] = "",
    requests: Annotated[int, typer.Option(help="The most requests to exceed the API's burst with; 0 for none")] = 0,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="The file for the report; default is kiln-acceptance-STACK.md")
    ] = None,
) -> None:
    """Try a deployed stack from every side: routes, tasks, events, webhooks, limits, logs, alarms."""
    installation = session.installation
    images = (LOCAL_BUDGET if installation.is_local else 1) if budget is None else budget
    _ask(session, images, yes=yes)
    entry = _entry(installation, caller)
    findings: list[Finding] = []
    began = time.time()
    with (
        httpx.Client(timeout=_TIMEOUT, trust_env=not installation.is_local) as http,
        _receiver(installation) as receiver,
    ):
        trial = Trial(
            installation,
            http,
            entry,
            images,
            most_requests=requests or (_LOCAL_REQUESTS if installation.is_local else 0),
            receiver=None if webhook_url else receiver,
            webhook_url=webhook_url or (receiver.url if receiver else ""),
        )
        for finding in run(trial):
            findings.append(finding)
            if not session.terminal.as_json:
                session.terminal.lines([line(finding)])
    facts = {
        "stack": f"{installation.name} in {installation.region}",
        "API": installation.api_url,
        "began": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(began)),
        "took": f"{time.time() - began:.0f} s",
        "images generated": f"{images - trial.budget} of {images} at most",
        "tasks made (they stay in the list until they expire)": ", ".join(trial.tasks) or "none",
    }
    target = report_file or Path(f"kiln-acceptance-{installation.name}.md")
    target.write_text(report(f"Acceptance of {installation.name}", facts, findings), encoding="utf-8")
    failed = [f"{each.area}: {each.check}" for each in findings if each.outcome is Outcome.FAILED]
    if session.terminal.as_json:
        session.terminal.document({**facts, "failed": failed, "findings": [asdict(each) for each in findings]})
    else:
        session.terminal.lines([f"{summary(findings)}. Report: {target}"])
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(findings)} checks failed: {'; '.join(failed[:5])}")


def line(finding: Finding) -> str:
    """A finding in one line."""
    expected = f" (expected {finding.expected})" if finding.outcome is Outcome.FAILED else ""
    return f"{finding.mark} {finding.area:<9} {finding.check}: {finding.got}{expected}"


def run(trial: Trial) -> Iterator[Finding]:
    """Runs every check, and removes what the run made, even if a check breaks."""
    with trial.undo:
        yield from _free(trial)
        if trial.can_spend(1):
            yield from _paid(trial)
        else:
            yield skipped("create", "tasks", "needs 1 image (--budget)")
        # The provider lists the tasks of this run, too.
        yield from _guarded("provider", lambda: provider.provider(trial))
        yield from _guarded("traces", lambda: monitoring.traces(trial))
        # The last ones: they use up the caller's minute, and the API's burst.
        yield from _guarded("limits", lambda: front.minute(trial))
        yield from _guarded("limits", lambda: front.throttle(trial))


def _free(trial: Trial) -> Iterator[Finding]:
    for checks in (front.routes, front.keys, front.limits, front.browsers, storage.uploads, storage.buckets):
        yield from _guarded(checks.__name__, lambda checks=checks: checks(trial))  # type: ignore[misc]
    for checks in (releases.aliases, monitoring.alarms):
        yield from _guarded(checks.__name__, lambda checks=checks: checks(trial))  # type: ignore[misc]


def _paid(trial: Trial) -> Iterator[Finding]:
    subscriber = Subscriber(trial)
    task = tasks.ApiTask(trial, subscriber)
    yield from _guarded("create", task.create)
    if not task.task_id:
        return
    trial.undo.callback(_remove_images, trial)
    for name, checks in (
        ("task", task.end),
        ("links", task.show_links),
        ("progress", task.show_progress),
        ("events", task.show_events),
        ("webhooks", task.show_webhooks),
        ("workflow", lambda: behind.history(trial, task.task_id)),
        ("drop", lambda: channels.drop(trial)),
        ("event", lambda: channels.event(trial, subscriber, next(iter(task.links), ""))),
        ("retry", lambda: tasks.retry(trial, task.task_id)),
        ("create", lambda: tasks.wait_for_end(trial)),
        ("cancel", lambda: tasks.cancel(trial)),
        ("logs", lambda: behind.logs(trial, task.task_id)),
        ("provider", lambda: provider.callbacks(trial, task.task_id)),
    ):
        yield from _guarded(name, checks)


def _guarded(area: str, checks: Checks) -> Iterator[Finding]:
    """The findings of a group; a group that breaks is a finding too."""
    try:
        yield from checks()
    except (httpx.HTTPError, KeyError, CommandFailed) as error:
        yield row(area, "runs to its end", "yes", f"{type(error).__name__}: {error}")
    except Exception as error:
        known = aws_failure(error)
        if known is None:
            raise
        yield row(area, "runs to its end", "yes", str(known))


def _remove_images(trial: Trial) -> None:
    s3: Any = trial.installation.client("s3")
    for task_id in trial.tasks:
        # The caller cannot see the tasks of another channel; those have ended before.
        if data(trial.send("GET", f"{TASKS_PATH}/{task_id}")):
            trial.ended(task_id)
        channels.remove_folder(s3, trial.installation.output("OutboxBucketName"), f"tasks/{task_id}/")
        channels.remove_folder(s3, trial.installation.output("InputsBucketName"), f"{task_id}/")


def _ask(session: OperatorSession, images: int, *, yes: bool) -> None:
    if session.installation.is_local or yes or not images:
        return
    if not session.terminal.is_watched:
        raise CommandFailed(f"--yes is required to generate {images} images without a terminal to ask on", USAGE)
    typer.confirm(f"Generate up to {images} images, which the provider charges?", abort=True)


def _entry(installation: Installation, name: str) -> dict[str, Any]:
    entries = [each for each in CallersSecret(installation).read() if each.get("api_keys")]
    for each in entries:
        if name in {"", each["name"]}:
            return each
    raise CommandFailed(f"no caller {name or 'with an API key'}; add one with kiln callers add NAME")


def _receiver(installation: Installation) -> contextlib.AbstractContextManager[Receiver | None]:
    return Receiver() if installation.is_local else contextlib.nullcontext()
