"""The release function: ends a task's run and wakes the next in line."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.release import hand_on, release, still_waiting, tend_line
from kiln_lambda.observability import logger, observed


@observed("task_id")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``ReleaseSlot``, and those that hand slots on before a task leaves."""
    if event.get("is_waiting"):
        still_waiting(event["task_id"])
        woken = tend_line()
        logger.info("tended the line", extra={"woken": woken})
        return {"woken": woken}
    if event.get("is_collecting"):
        woken = hand_on(event["task_id"])
        logger.info("handed on", extra={"woken": woken})
        return {"woken": woken}
    result = release(event["task_id"], event.get("fault"))
    logger.info("release", extra={"result": result.model_dump(mode="json", include={"woken", "to_notify"})})
    return result.model_dump(mode="json")
