"""Every function that a task or its caller meets, reduced to the calls that it cannot do without.

There is no validation, no logging and no error handling. It shows what the local AWS can reach at most with these
calls, and is of no other use.
"""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from functools import cache
from typing import Any, Literal

import boto3
import jwt
import urllib3

_TABLE = os.environ["TABLE_NAME"]
_PATH = "/v1/images/multi-image2image"
_NAME = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
_SLOTS = {"pk": {"S": "SLOTS"}}
_http = urllib3.PoolManager(maxsize=9)


@cache
def _client(service: Literal["dynamodb", "s3", "secretsmanager", "stepfunctions"]) -> Any:
    return boto3.client(service)


@cache
def _authorization() -> str:
    answer = _client("secretsmanager").get_secret_value(SecretId=os.environ["PROVIDER_SECRET_ARN"])
    key = json.loads(answer["SecretString"])
    claims = {"iss": key["access_key"], "exp": int(time.time()) + 1_800}
    return f"Bearer {jwt.encode(claims, key['secret_key'], algorithm='HS256')}"


def handler(event: dict[str, Any], _context: object) -> Any:
    """Run the function that this one's name contains."""
    return next(function for name, function in _FUNCTIONS.items() if f"-{name}Function" in _NAME)(event)


def _submit(event: dict[str, Any]) -> Any:
    image = json.loads(event["body"])["subject_image_list"][0]["subject_image"]
    content = None if image.startswith("https://") else base64.b64decode(image)
    return _answer({"task_id": _accept(content), "task_status": "submitted"})


def _inbox(event: dict[str, Any]) -> Any:
    for message in event["Records"]:
        for record in json.loads(message["body"]).get("Records", []):
            dropped = {"Bucket": record["s3"]["bucket"]["name"]}
            folder, _, file = record["s3"]["object"]["key"].rpartition("/")
            if file == "job.json":
                job = json.load(_client("s3").get_object(**dropped, Key=f"{folder}/{file}")["Body"])
                image = job["subject_image_list"][0]["subject_image"]
                content = _client("s3").get_object(**dropped, Key=f"{folder}/{image}")["Body"].read()
                _accept(content, folder=folder)
    return {"batchItemFailures": []}


def _accept(content: bytes | None, *, folder: str = "") -> str:
    task_id = uuid.uuid4().hex
    counted = _update({"pk": {"S": "CALLER#bare"}}, "ADD tasks :one, finish_tag :one", one={"N": "1"})
    bucket, key = os.environ["INPUTS_BUCKET"], f"{task_id}/subject-0.png"
    if content is not None:
        _client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    item = {
        **_key(task_id),
        "task_id": {"S": task_id},
        "n": {"N": "1"},
        "bucket": {"S": bucket},
        "input": {"S": key},
        "queue": {"S": "waiting"},
        "turn": counted["finish_tag"],
        "caller": {"S": "bare"},
        "sequence": counted["tasks"],
        "task_status": {"S": "submitted"},
        "folder": {"S": folder},
    }
    _client("dynamodb").put_item(TableName=_TABLE, Item=item)
    return task_id


def _query(event: dict[str, Any]) -> Any:
    if event["path"] == "/v1/usage":
        return _answer([])
    parameters = event.get("pathParameters") or {}
    return _answer(_found(parameters["id"]) if parameters else _listed())


def _found(task_id: str) -> dict[str, Any]:
    task = _client("dynamodb").get_item(TableName=_TABLE, Key=_key(task_id))["Item"]
    found = {"task_id": task_id, "task_status": task["task_status"]["S"]}
    if "queue" in task:
        ahead = _client("dynamodb").query(
            TableName=_TABLE,
            IndexName="by_turn",
            KeyConditionExpression="queue = :waiting AND turn <= :turn",
            ExpressionAttributeValues={":waiting": {"S": "waiting"}, ":turn": task["turn"]},
            Select="COUNT",
        )
        found["queue_position"] = ahead["Count"]
    return found


def _listed() -> list[dict[str, Any]]:
    page = _client("dynamodb").query(
        TableName=_TABLE,
        IndexName="by_caller",
        KeyConditionExpression="caller = :bare",
        ExpressionAttributeValues={":bare": {"S": "bare"}},
        ScanIndexForward=False,
        Limit=30,
    )
    return [{"task_id": task["task_id"]["S"], "task_status": task["task_status"]["S"]} for task in page["Items"]]


def _start(event: dict[str, Any]) -> Any:
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        task_id = image["task_id"]["S"]
        execution_input = {
            "task_id": task_id,
            "key": f"TASK#{task_id}",
            "submitted": _status_event("submitted"),
            "published": {"processing": False},
            "fault": {"Error": ""},
        }
        _client("stepfunctions").start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=task_id, input=json.dumps(execution_input)
        )
    return {"batchItemFailures": []}


def _dispatch(event: dict[str, Any]) -> Any:
    slots: Any = {_TABLE: {"Keys": [_key(event["task_id"]), _SLOTS], "ConsistentRead": True}}
    _client("dynamodb").batch_get_item(RequestItems=slots)
    _update(_SLOTS, "ADD holders :mine", mine={"SS": [f"{event['task_id']}#0"]})
    task = _update(_key(event["task_id"]), "REMOVE queue, turn ADD dispatch_attempts :one", one={"N": "1"})
    stored = {"Bucket": task["bucket"]["S"], "Key": task["input"]["S"]}
    link = _client("s3").generate_presigned_url("get_object", Params=stored)
    request = {
        "subject_image_list": [{"subject_image": link}],
        "callback_url": f"{os.environ['PUBLIC_URL']}/v1/callbacks/{event['task_id']}/bare",
        "external_task_id": event["task_id"],
    }
    _request("POST", _PATH, json.dumps(request))
    _update(_key(event["task_id"]), "SET dispatched_at = :now", now={"N": "1"})
    return _step("dispatched")


def _callback(event: dict[str, Any]) -> Any:
    task = _update(_key(event["pathParameters"]["task_id"]), "SET wake_requested_at = :now", now={"N": "1"})
    if "task_token" in task:
        gone = (_client("stepfunctions").exceptions.TaskTimedOut, _client("stepfunctions").exceptions.TaskDoesNotExist)
        try:
            _client("stepfunctions").send_task_success(taskToken=task["task_token"]["S"], output="{}")
        except gone:
            return _answer({})
    return _answer({})


def _poll(event: dict[str, Any]) -> Any:
    key = _key(event["task_id"])
    _update(key, "REMOVE wake_requested_at, task_token")
    status = _request("GET", f"{_PATH}/{event['task_id']}")["task_status"]
    if status == "succeed":
        _release(event["task_id"])
        return _step("generated")
    if status != "processing" or event["processing_published"]:
        return _step("running")
    _update(key, "SET task_status = :status", status={"S": status})
    return _step("processing", _status_event(status))


def _release(task_id: str) -> None:
    table = _client("dynamodb")
    table.get_item(TableName=_TABLE, Key=_SLOTS, ConsistentRead=True)
    table.query(
        TableName=_TABLE,
        IndexName="by_turn",
        KeyConditionExpression="queue = :waiting",
        ExpressionAttributeValues={":waiting": {"S": "waiting"}},
        Limit=10,
    )
    _update(_SLOTS, "DELETE holders :mine", mine={"SS": [f"{task_id}#0"]})


def _collect(event: dict[str, Any]) -> Any:
    key = _key(event["task_id"])
    task = _update(key, "ADD collects :one", one={"N": "1"})
    for image in _request("GET", f"{_PATH}/{event['task_id']}")["task_result"]["images"]:
        content = _http.request("GET", image["url"]).data
        key_in_s3 = f"bare/{event['task_id']}/{image['index']}.png"
        _client("s3").put_object(Bucket=os.environ["OUTBOX_BUCKET"], Key=key_in_s3, Body=content)
    _update(key, "SET task_status = :status", status={"S": "succeed"})
    return _step("ended", _status_event("succeed", task["folder"]["S"]))


def _notify(event: dict[str, Any]) -> Any:
    folder, status = event["detail"]["metadata"]["folder"], event["detail"]["data"]["task_status"]
    if status == "succeed":
        body = json.dumps({"task_status": status})
        _client("s3").put_object(Bucket=os.environ["OUTBOX_BUCKET"], Key=f"{folder}/result.json", Body=body)
    return {}


def _update(key: dict[str, Any], expression: str, **values: dict[str, Any]) -> dict[str, Any]:
    named = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
    answer = _client("dynamodb").update_item(
        TableName=_TABLE, Key=key, UpdateExpression=expression, ReturnValues="ALL_NEW", **named
    )
    attributes: dict[str, Any] = answer["Attributes"]
    return attributes


def _request(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    headers = {"Authorization": _authorization(), "Content-Type": "application/json"}
    data: dict[str, Any] = _http.request(method, os.environ["PROVIDER_URL"] + path, body=body, headers=headers).json()[
        "data"
    ]
    return data


def _key(task_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"TASK#{task_id}"}}


def _step(outcome: str, event: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"outcome": outcome, "wait": 0, "reason": "", "event": event}


def _status_event(status: str, folder: str = "") -> dict[str, Any]:
    metadata = {"has_receiver": bool(folder), "folder": folder}
    detail = {"metadata": metadata, "data": {"task_status": status}}
    return {"detail_type": f"Image Task {status.title()}", "detail": detail}


def _answer(data: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps({"code": 0, "data": data})}


_FUNCTIONS = {
    "Submit": _submit,
    "Inbox": _inbox,
    "Query": _query,
    "Start": _start,
    "Dispatch": _dispatch,
    "Callback": _callback,
    "Poll": _poll,
    "Collect": _collect,
    "Notify": _notify,
}
