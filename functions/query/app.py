"""The query function: one task by either id, the list of a caller's tasks, and the links to generated images."""

# ruff: noqa: PLC0415 - what one route alone needs is imported in it: a cold start takes one route

from __future__ import annotations

import datetime as dt
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.contract import ListQuery
from kiln.documents import pages
from kiln.images.stored_links import LINK_SECONDS
from kiln.tasks.downloads import download_address
from kiln.tasks.estimates import Estimates
from kiln.tasks.listing import TaskList
from kiln.tasks.queue import TaskQueue
from kiln.tasks.search import Found, TaskSearch
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.views import found_view
from kiln.tasks.waiting import seconds_left, seconds_to_wait, wait_for_change
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import observed

app = ContractApi()


@app.get("/v1/images/multi-image2image")
def query_list() -> Response[str]:
    """Lists or searches the caller's tasks (contract); with an id as a parameter, answers with that task."""
    parameters = app.parameters
    if any(parameters.get(name, "").strip() for name in ("external_task_id", "task_id")):
        return query_one()
    caller = app.caller()
    asked = ListQuery.parse(parameters)
    found = TaskSearch().matching(caller.name, asked) if asked.search else Found(TaskList().page(caller.name, asked))
    headers = app.naming(ListQuery.ignored(parameters))
    if found.created_before is not None:
        headers["Kiln-Created-Before"] = str(found.created_before)
    return app.answer([found_view(task, app.public_url) for task in found.tasks], headers)


@app.get("/v1/images/multi-image2image/.+/deliveries")
def query_deliveries() -> Response[str]:
    """Answers with every attempt to deliver a task's changes to its ``callback_url``, oldest first."""
    return app.answer(_task(TaskStore()).attempted_deliveries)


@app.get("/v1/images/multi-image2image/.+/progress")
def query_progress() -> Response[str]:
    """Answers with how far a task has come, and when it reached each step."""
    from kiln.tasks.progress import progress

    tasks = TaskStore()
    return app.answer(progress(_task(tasks), tasks))


@app.get("/v1/images/multi-image2image/.+/request")
def query_request() -> Response[str]:
    """Answers with what a task was created with."""
    from kiln.tasks.progress import stored_request

    return app.answer(stored_request(_task(TaskStore())))


@app.get("/v1/images/multi-image2image/.+")
def query_one() -> Response[str]:
    """Answers with one task (contract); with ``Prefer: wait=N`` as soon as its status changes."""
    tasks = TaskStore()
    caller = app.caller()
    task = tasks.find(caller.name, app.either_id(caller.name, tasks))
    headers: dict[str, str] = {}
    if seconds := seconds_to_wait(app.current_event.headers.get("Prefer")):
        headers["Preference-Applied"] = f"wait={seconds}"
        task = wait_for_change(caller, task, seconds_left(seconds, app.requested_at))
    found = found_view(task, app.public_url)
    found.queue_position = TaskQueue().position(task) if task.is_waiting else None
    found.eta_seconds = Estimates().eta_seconds(task, found.queue_position)
    return app.answer(found, headers)


@app.get("/v1/batches/.+")
def query_batch() -> Response[str]:
    """Answers with one batch, by its id or its external id: counts, and a page of its tasks."""
    from kiln.tasks.batch_views import found_batch_view
    from kiln.tasks.batches import Batches

    caller = app.caller().name
    batch = Batches().find(caller, app.id_in_path)
    asked = ListQuery.parse(app.parameters)
    return app.answer(found_batch_view(batch, asked, app.public_url), app.naming(ListQuery.ignored(app.parameters)))


def _task(tasks: TaskStore) -> Task:
    caller = app.caller().name
    return tasks.find(caller, app.either_id(caller, tasks))


@app.get("/v1/usage")
def usage() -> Response[str]:
    """Answers with the caller's usage: a row per day, or one row for the whole time."""
    from kiln.contract.usage import Grouping, UsageQuery
    from kiln.tasks.usage import Usage

    caller = app.caller().name
    asked = UsageQuery.parse(app.parameters)
    first, last = asked.days(dt.datetime.now(dt.UTC).date())
    if asked.by is Grouping.CALLER:
        return app.answer([Usage().total(caller, first, last)])
    return app.answer(Usage().by_day(caller, first, last))


@app.get("/account/costs")
def costs() -> Response[str]:
    """Answers with the caller's budget, in the form of the provider's resource packs (contract)."""
    from kiln.intake.account_costs import account_costs

    return app.answer(account_costs(app.caller()))


@app.route("/v1/results/<task_id>/<token>/<file>", method=["GET", "HEAD"])
def result(task_id: str, token: str, file: str) -> Response[str]:
    """Redirects a result link to its image. The token in the link is enough; no key is needed."""
    location = download_address(task_id, token, file, method=app.current_event.http_method)
    # A minute less than the link is valid: the browser then keeps the image, and asks for a new link in time.
    headers = {"Location": location, "Cache-Control": f"private, max-age={LINK_SECONDS - 60}"}
    return Response(status_code=302, content_type="text/plain", body="", headers=headers)


@app.get("/openapi.json")
def openapi_document() -> Response[str]:
    """Answers with the API's own description."""
    return Response(200, "application/json", pages.openapi_json())


@app.get("/docs")
def docs() -> Response[str]:
    """A page to try the API with. It sends requests to this API only."""
    return Response(
        200, "text/html; charset=utf-8", pages.docs_html(), {"Content-Security-Policy": pages.content_security_policy()}
    )


@observed("requestContext.requestId", clients=(aws.dynamodb, aws.secrets_manager, Task.model_rebuild))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway."""
    return app.resolve(event, context)
