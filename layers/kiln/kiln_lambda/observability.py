"""The logs, metrics and traces of every function: what wraps a handler, and how a task's id gets on all of them."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.metrics import Metric, publish_with

# Many invocations have nothing to count; that is no news.
warnings.filterwarnings("ignore", message="No application metrics to publish")
# Its warnings name what was asked for, and a link of S3's is all that it takes to ask.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

logger = Logger()
_metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], Any]
Record = TypeVar("Record")


def observed(
    correlation_id_path: str | None = None, *, clients: Iterable[Callable[[], object]] = ()
) -> Callable[[Handler], Handler]:
    """Makes a handler log, count and trace; an event that names a task or a batch is about it from its first line.

    Args:
        correlation_id_path: Where in the event the id is that other logs know this invocation by.
        clients: Make the clients that every invocation needs, what these share, and models that are built when needed.
    """

    def wrap(handler: Handler) -> Handler:
        _finish_initialisation(clients)

        @logger.inject_lambda_context(correlation_id_path=correlation_id_path, clear_state=True)
        @_traced
        @_metrics.log_metrics
        @wraps(handler)
        def observing(event: dict[str, Any], context: LambdaContext) -> Any:
            if isinstance(event.get("task_id"), str):
                about(event["task_id"])
            if isinstance(event.get("batch_id"), str):
                about_batch(event["batch_id"])
            return handler(event, context)

        observer: Handler = observing
        return observer

    return wrap


def _finish_initialisation(clients: Iterable[Callable[[], object]]) -> None:
    """Makes clients before the first invocation: Lambda initialises with a full CPU, invokes with a share."""
    if "AWS_LAMBDA_INITIALIZATION_TYPE" not in os.environ:
        return
    for make in clients:
        make()


def about(task_id: str) -> None:
    """Puts a task's id on every line that is logged from here on, and on the trace."""
    logger.append_keys(task_id=task_id)
    if _metrics.metric_set:
        # Metrics from before the task had an id, such as its acceptance.
        _metrics.add_metadata(key="task_id", value=task_id)
    if _is_sampled():
        _tracer().put_annotation(key="task_id", value=task_id)


def about_batch(batch_id: str) -> None:
    """Puts a batch's id on every line that is logged from here on."""
    logger.append_keys(batch_id=batch_id)


def _is_sampled() -> bool:
    """Whether Lambda sends this invocation's trace to X-Ray."""
    return "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "")


@cache
def _tracer() -> Tracer:
    # Loaded for the first invocation that is sampled; of what it can patch, only what this function calls with.
    return Tracer(patch_modules=["botocore", *(["httpx"] if "httpx" in sys.modules else [])])


def _traced(handler: Handler) -> Handler:
    """Adds an invocation's own subsegments to Lambda's, where the trace is sampled."""

    @wraps(handler)
    def tracing(event: dict[str, Any], context: LambdaContext) -> Any:
        if not _is_sampled():
            return handler(event, context)
        return _tracer().capture_lambda_handler(handler, capture_response=False)(event, context)

    return tracing


def observed_record(handler: Callable[[Record], None]) -> Callable[[Record], None]:
    """Makes the handler of one record of a batch log why it comes again, and leave nothing of its task behind."""

    @wraps(handler)
    def observing(record: Record) -> None:
        try:
            handler(record)
        except Exception:
            logger.warning("comes again", exc_info=True)
            raise
        finally:
            if _metrics.metric_set:
                _metrics.flush_metrics()
            logger.remove_keys(["task_id"])

    return observing


def publish(metric: Metric, value: float, of: str) -> None:
    """Writes a measurement to the log, in the format that CloudWatch makes metrics of."""
    # A line of metrics has one set of dimensions, so a metric with two of them gets its own line.
    line: EphemeralMetrics | Metrics = _metrics
    if metric.dimension:
        line = EphemeralMetrics()
        line.add_dimension(name=metric.dimension, value=of)
    line.add_metric(name=metric.name, unit=metric.unit.value, value=value)
    task_id = logger.get_current_keys().get("task_id")
    if task_id:
        line.add_metadata(key="task_id", value=task_id)
    if metric.dimension:
        line.flush_metrics()


publish_with(publish)
