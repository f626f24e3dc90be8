"""The quick ways through the double of DynamoDB have the results and the errors of its own ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.account import ENVIRONMENT
from tests.support.quick_dynamodb import OWN, quicken_dynamodb

KEY = {"pk": {"S": "task"}}
ITEM = {
    **KEY,
    "a": {"S": "old"},
    "n": {"N": "3"},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
    "m": {"M": {"x": {"S": "y"}}},
    "s": {"SS": ["one", "two"]},
}
NAMES = {"#a": "a", "#n": "n", "#status": "status", "#m": "m"}
VALUES = {":v": {"S": "new"}, ":one": {"N": "1"}, ":list": {"L": [{"N": "9"}]}, ":set": {"SS": ["two"]}}

UPDATES = [
    "SET #a = :v",
    "SET #a = :v, #n = #n + :one, b = if_not_exists(b, :v) REMOVE l, m",
    "SET #n = :one - #n, l = list_append(l, :list)",
    "SET #n = #n + :one + :one",
    "SET #m.x = :v, m.z = :one REMOVE l[0], l[2]",
    "SET l[5] = :v",
    "SET #status = if_not_exists(#status, :v) ADD n :one, z :one DELETE s :set",
    "SET a = :v, #a = :v",
    "SET a = :v, a = :one",
    "SET m = :v, m.x = :v",
    "SET a = :v SET n = :one",
    "REMOVE a REMOVE n",
    "SET status = :v",
    "SET a = gone",
    "SET gone.x = :v",
    "SET a = :gone",
    "SET a = a + :one",
    "SET pk = :v",
    "SET a == :v",
    "ADD a :one",
]
CONDITIONS = [
    "attribute_exists(a) AND (#n = :one OR n BETWEEN :one AND :one OR NOT a = :v)",
    "attribute_not_exists(#a)",
    "size(l) > :one AND m.x <> :v AND begins_with(a, :v) OR contains(s, :v)",
    "status = :v",
    "a = ",
]


def used(names: dict[str, Any], *expressions: str | None) -> dict[str, Any]:
    """The placeholders that an expression has: DynamoDB refuses others."""
    text = " ".join(each or "" for each in expressions)
    return {name: value for name, value in names.items() if name in text}


@pytest.fixture
def outcome(cloud):
    """Makes one update of the item, alone or in a transaction, and returns what the table has then or the error."""
    table = ENVIRONMENT["TABLE_NAME"]

    def update(expression: str, condition: str | None, *, in_transaction: bool) -> Any:
        cloud.dynamodb.put_item(TableName=table, Item=ITEM)
        request = {"TableName": table, "Key": KEY, "UpdateExpression": expression}
        request |= {"ConditionExpression": condition} if condition else {}
        names, values = used(NAMES, expression, condition), used(VALUES, expression, condition)
        request |= {"ExpressionAttributeNames": names} if names else {}
        request |= {"ExpressionAttributeValues": values} if values else {}
        answer: Any = None
        try:
            if in_transaction:
                other = {"Put": {"TableName": table, "Item": {"pk": {"S": "other"}}}}
                cloud.dynamodb.transact_write_items(TransactItems=[other, {"Update": request}])
            else:
                answer = cloud.dynamodb.update_item(**request, ReturnValues="ALL_NEW")["Attributes"]
        except ClientError as error:
            answer = {name: value for name, value in error.response.items() if name != "ResponseMetadata"}
        except ValueError as error:
            # The double's own word for an expression that it cannot read.
            answer = str(error)
        items = sorted(cloud.dynamodb.scan(TableName=table)["Items"], key=lambda item: item["pk"]["S"])
        for item in items:
            cloud.dynamodb.delete_item(TableName=table, Key={"pk": item["pk"]})
        return answer, items

    return update


@pytest.fixture
def own(monkeypatch) -> Callable[[], AbstractContextManager[None]]:
    """Gives the double its own functions for a while."""

    @contextmanager
    def given() -> Iterator[None]:
        with monkeypatch.context() as patch:
            for owner, name, way in OWN:
                patch.setattr(owner, name, way) if way else patch.delattr(owner, name)
            yield

    quicken_dynamodb()
    return given


@pytest.mark.parametrize("in_transaction", [False, True], ids=["alone", "in a transaction"])
def test_quick_updates_have_the_results_and_errors_of_the_doubles_own(outcome, own, in_transaction):
    cases = [(update, None) for update in UPDATES] + [(UPDATES[1], condition) for condition in CONDITIONS]
    quick = [outcome(*case, in_transaction=in_transaction) for case in cases]
    with own():
        expected = [outcome(*case, in_transaction=in_transaction) for case in cases]
    assert dict(zip(cases, quick, strict=True)) == dict(zip(cases, expected, strict=True))


@pytest.mark.parametrize("projection", ["a, n, l, m, s, gone", "#a, pk", "m.x, l[1]", "n, m.x", "gone"])
def test_quick_projection_has_the_attributes_of_the_doubles_own(cloud, own, projection):
    table = ENVIRONMENT["TABLE_NAME"]
    # A set has no order, and this one has one.
    cloud.dynamodb.put_item(TableName=table, Item=ITEM | {"s": {"SS": ["one"]}})
    request = {"TableName": table, "ProjectionExpression": projection}
    request |= {"ExpressionAttributeNames": {"#a": "a"}} if "#a" in projection else {}

    def read() -> Any:
        return cloud.dynamodb.get_item(**request, Key=KEY).get("Item"), cloud.dynamodb.scan(**request)["Items"]

    quick = read()
    with own():
        assert quick == read()


@pytest.mark.parametrize("size", [404_000, 406_000])
def test_quick_item_has_the_size_limit_of_the_doubles_own(cloud, own, size):
    def put() -> str:
        try:
            cloud.dynamodb.put_item(TableName=ENVIRONMENT["TABLE_NAME"], Item=ITEM | {"z": {"S": "z" * size}})
        except ClientError as error:
            return error.response["Error"]["Code"]
        return ""

    quick = put()
    with own():
        assert quick == put() == ("ValidationException" if size > 405_000 else "")
