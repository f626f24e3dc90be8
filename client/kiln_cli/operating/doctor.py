"""``kiln doctor``: whether an installation is well, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import httpx
import typer

from kiln_cli.failures import CommandFailed
from kiln_cli.installation import Installation
from kiln_cli.operating.checks import CHECKS, Check, Finding
from kiln_cli.operating.command import FOR_OPERATORS, OperatorSession, operator_command, told

app = typer.Typer()

_TIMEOUT = httpx.Timeout(40.0, connect=5.0)


@operator_command(app, "doctor", FOR_OPERATORS)
def doctor(session: OperatorSession) -> None:
    """Check the installation: API, keys, buckets, callbacks, clock, slots, workflows, dead letters, alarms."""
    installation, terminal = session.installation, session.terminal
    # Whether there is such a stack at all is not one finding among others.
    api_url = installation.api_url
    runbook = installation.parameters.get("RunbookUrl") or "docs/runbook.md"
    terminal.remark(f"{installation.name} in {installation.region}: {api_url}")
    findings = []
    # The local stack is behind no proxy.
    with httpx.Client(timeout=_TIMEOUT, trust_env=not installation.is_local) as http:
        for name, check in CHECKS:
            for finding in _made(name, check, installation, http):
                findings.append(finding)
                if not terminal.as_json:
                    terminal.lines(lines(finding, runbook))
    wrong = [each.check for each in findings if not each.is_well]
    if terminal.as_json:
        found = [asdict(each) for each in findings]
        terminal.document({"stack": installation.name, "is_well": not wrong, "runbook": runbook, "findings": found})
    if wrong:
        raise CommandFailed(f"{len(wrong)} of {len(findings)} checks failed: {', '.join(wrong)}")


def lines(finding: Finding, runbook: str) -> list[str]:
    """One finding in words."""
    said = [f"{'✓' if finding.is_well else '✗'} {finding.check}: {finding.says}"]
    if not finding.is_well:
        where = f"{runbook}#{finding.section}" if finding.section else ""
        said += [f"    → {each}" for each in (finding.todo, where) if each]
    return said


def _made(name: str, check: Check, installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """A check's findings; what keeps it from being made is one of them."""
    try:
        yield from check(installation, http)
    except httpx.HTTPError as error:
        says = f"{installation.api_url} does not answer: {type(error).__name__}"
        yield Finding(name, False, says, "look whether the API is deployed and its name resolves", "api-errors")
    except Exception as error:
        known = error if isinstance(error, CommandFailed) else told(error)
        if known is None:
            raise
        yield Finding(name, False, str(known), "look whether you may (IAM), and whether it is there")
