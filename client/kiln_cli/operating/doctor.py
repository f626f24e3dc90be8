"""``kiln doctor``: checks an installation, and says what to do about each problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import httpx
import typer

from kiln_cli.failures import CommandFailed
from kiln_cli.operating.checks import CHECKS, Check, Finding
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.session import FOR_OPERATORS, OperatorCommand, OperatorSession, aws_failure

app = typer.Typer()

_TIMEOUT = httpx.Timeout(40.0, connect=5.0)


@app.command("doctor", cls=OperatorCommand, rich_help_panel=FOR_OPERATORS)
def doctor(session: OperatorSession) -> None:
    """Check the installation: API, keys, buckets, callbacks, clock, slots, workflows, dead letters, alarms."""
    installation, terminal = session.installation, session.terminal
    # A missing stack is an error of the command, not one finding among others.
    api_url = installation.api_url
    runbook = installation.parameters.get("RunbookUrl") or "docs/runbook.md"
    terminal.remark(f"{installation.name} in {installation.region}: {api_url}")
    findings = []
    # A proxy cannot reach the local stack.
    with httpx.Client(timeout=_TIMEOUT, trust_env=not installation.is_local) as http:
        for name, check in CHECKS:
            for finding in _findings(name, check, installation, http):
                findings.append(finding)
                if not terminal.as_json:
                    terminal.lines(lines(finding, runbook))
    failed = [each.check for each in findings if not each.is_well]
    if terminal.as_json:
        found = [_document(each) for each in findings]
        terminal.document({"stack": installation.name, "is_well": not failed, "runbook": runbook, "findings": found})
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}")


def lines(finding: Finding, runbook: str) -> list[str]:
    """One finding in words."""
    found = [f"{'✓' if finding.is_well else '✗'} {finding.check}: {finding.says}"]
    if not finding.is_well:
        where = f"{runbook}#{finding.section}" if finding.section else ""
        found += [f"    → {each}" for each in (finding.todo, where) if each]
    return found


def _document(finding: Finding) -> dict[str, object]:
    # There is something to do, and a section to read, only where something is wrong.
    return {
        name: value for name, value in asdict(finding).items() if not finding.is_well or name not in {"todo", "section"}
    }


def _findings(name: str, check: Check, installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """A check's findings. A check that breaks is a finding too."""
    try:
        yield from check(installation, http)
    except httpx.HTTPError as error:
        says = f"{installation.api_url} does not answer: {type(error).__name__}"
        yield Finding(name, False, says, "check that the API is deployed and its name resolves", "api-errors")
    except Exception as error:
        known = error if isinstance(error, CommandFailed) else aws_failure(error)
        if known is None:
            raise
        yield Finding(name, False, str(known), "check your permissions (IAM), and that it exists")
