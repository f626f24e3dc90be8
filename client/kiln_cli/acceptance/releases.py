"""Checks of the functions' releases: aliases, versions, and a roll-back that the run tries on a separate alias."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kiln_cli.acceptance.findings import Finding, fact, row
from kiln_cli.acceptance.trial import Trial, all_of

_TRIED = "QueryFunction"
_LATEST = "$LATEST"

_REQUEST = {
    "resource": "/openapi.json",
    "path": "/openapi.json",
    "httpMethod": "GET",
    "headers": {},
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {"requestId": "acceptance", "stage": "live", "httpMethod": "GET", "path": "/openapi.json"},
    "body": None,
    "isBase64Encoded": False,
}


def aliases(trial: Trial) -> Iterator[Finding]:
    """Every function has the alias live, which names a version; a rolled-back alias serves again."""
    client: Any = trial.installation.client("lambda")
    names = trial.installation.resources("AWS::Lambda::Function")
    found = {logical: client.get_alias(FunctionName=name, Name="live") for logical, name in names.items()}
    wrong = [logical for logical, alias in found.items() if not alias["FunctionVersion"].isdigit()]
    yield row("functions", "alias live names a version", f"{len(names)} functions", f"{len(found)} functions")
    yield row("functions", "functions without a version", [], wrong)
    shifting = [name for name, alias in found.items() if _weights(alias)]
    yield fact("functions", "functions between two versions", ", ".join(shifting) or "none")
    name, live = names[_TRIED], found[_TRIED]["FunctionVersion"]
    published = [each["Version"] for each in all_of(client, "list_versions_by_function", "Versions", FunctionName=name)]
    newest = max((int(each) for each in published if each.isdigit()), default=0)
    yield fact("functions", f"versions of {_TRIED}", f"{len(published) - 1}, live is {live}, the newest is {newest}")
    older = [each for each in published if each.isdigit() and int(each) < int(live)]
    yield from _way_back(trial, client, name, live, max(older, key=int) if older else _LATEST)


def _way_back(trial: Trial, client: Any, name: str, live: str, back: str) -> Iterator[Finding]:
    """A separate alias moves to another version and back. The alias live is not touched."""
    client.create_alias(FunctionName=name, Name=trial.mark, FunctionVersion=live)
    trial.undo.callback(client.delete_alias, FunctionName=name, Name=trial.mark)
    for check, version in (("an alias serves", live), ("moved to another version", back), ("rolled back", live)):
        client.update_alias(FunctionName=name, Name=trial.mark, FunctionVersion=version)
        answer = client.invoke(FunctionName=name, Qualifier=trial.mark, Payload=json.dumps(_REQUEST).encode())
        status = json.loads(answer["Payload"].read()).get("statusCode")
        got = f"{status} by version {answer.get('ExecutedVersion', 'unknown')}"
        yield row("functions", f"{check}: {_TRIED}", f"200 by version {version}", got)


def _weights(alias: dict[str, Any]) -> dict[str, float]:
    """The other versions that an alias sends a part of its calls to."""
    return (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
