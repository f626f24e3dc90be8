"""The release function: releases slots and hands them over, by one of three operations."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.release import hand_over, measure_waiting, reconcile, release
from kiln_lambda.observability import logger, observed


@observed("task_id")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the states ``ReleaseSlots``, ``HandOverSlots`` and ``Reconcile`` of the workflow."""
    task_id = event["task_id"]
    match event["operation"]:
        case "release":
            ending = release(task_id, event.get("fault"))
            logger.info("release", extra={"result": ending.model_dump(mode="json", include={"woken", "to_notify"})})
            return ending.model_dump(mode="json")
        case "hand_over":
            woken = hand_over(task_id)
        case "reconcile":
            measure_waiting(task_id)
            woken = reconcile()
        case unknown:
            raise ValueError(f"operation: must be release, hand_over or reconcile, got {unknown}")
    logger.info(event["operation"], extra={"woken": woken})
    return {"woken": woken}
