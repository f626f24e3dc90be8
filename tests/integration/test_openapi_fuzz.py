"""The accepted description of the API against the running one: what it allows is tried, and what it does not."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from local.children import ROOT
from tests.integration.client import PATIENCE_S, SUBJECT, Client
from tests.integration.driver import Deployment

CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.ignored_auth,
]
EXAMPLES = int(os.environ.get("KILN_FUZZ_EXAMPLES", "8"))
"""Of each operation, valid and invalid ones apart."""
JOB: dict[str, Any] = {"prompt": "A cat", "subject_image_list": [{"subject_image": SUBJECT}]}

API = schemathesis.openapi.from_dict(json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")))
OPERATIONS = {operation.ok().definition.raw["operationId"]: operation.ok() for operation in API.get_all_operations()}  # type: ignore[union-attr]


# A public route that takes only strings has no invalid request: every value is a string.
CASES = [
    pytest.param(name, mode, id=f"{name}-{mode.value}")
    for name, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.definition.raw.get("security") != []
]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        # Proxies and keys of the user's environment have no business here.
        opened.trust_env = False
        yield opened


@pytest.fixture
def known(kiln: Deployment, client: Client, name: str) -> dict[str, str]:
    """The parts of an operation's path at which there is something."""
    kiln.set_faults(task_seconds=0)
    if name in {"getBatch", "cancelBatch"}:
        headers = {"Authorization": f"Bearer {client.caller.api_key}"}
        created = requests.post(
            f"{client.api_url}/v1/batches", json={"jobs": [JOB]}, headers=headers, timeout=PATIENCE_S
        )
        return {"id": created.json()["data"]["batch_id"]}
    task_id = client.create(external_task_id="known")
    (image,) = client.wait_for(task_id, "succeed")["task_result"]["images"]
    token, file = image["url"].rsplit("/", 2)[1:]
    if name == "providerCallback":
        token = kiln.callback_link(task_id).rsplit("/", 1)[1]
    return {"id": task_id, "task_id": task_id, "token": token, "file": file}


def with_real_images(body: Any) -> Any:
    """The images of a body are text to the description: here they are images, so that there is more than refusals."""
    if isinstance(body, dict):
        return {
            name: SUBJECT if name.endswith("_image") and isinstance(value, str) else with_real_images(value)
            for name, value in body.items()
        }
    return [with_real_images(each) for each in body] if isinstance(body, list) else body


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_answers_match_the_openapi_document(
    client: Client, known: dict[str, str], session: requests.Session, name: str, mode: GenerationMode
) -> None:
    operation = OPERATIONS[name]
    statuses: set[int] = set()
    tries = itertools.count()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: schemathesis.Case[Any]) -> None:
        # Every second try meets something: few tries drawn by chance may all miss.
        if next(tries) % 2 == 0:
            case.path_parameters = {each: known[each] for each in case.path_parameters or {}}
            # The description leaves a job's fields open, as each job is checked by itself: a random one is refused.
            case.body = {"jobs": [JOB]} if name == "createBatch" else with_real_images(case.body)
        # The routes of the local gateway match no line breaks; API Gateway's do (docs/adr/0080).
        assume(not any("\n" in unquote(str(value)) for value in (case.path_parameters or {}).values()))
        headers = {"Authorization": f"Bearer {client.caller.api_key}"}
        # Schemathesis itself waits for 10 s, and a cold start on a busy computer may take longer.
        how: dict[str, Any] = {"session": session, "headers": headers, "timeout": PATIENCE_S}
        answer = case.call(base_url=client.api_url, allow_redirects=False, **how)
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS, headers=headers, transport_kwargs=how)

    attempt()
    # The tries have come past the first refusal; a task that has ended cannot be cancelled.
    if mode is GenerationMode.POSITIVE:
        assert statuses & {200, 302, 409}, statuses
