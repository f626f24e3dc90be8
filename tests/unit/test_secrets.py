"""Secrets are parsed into models, kept for a while, and never shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pydantic import BaseModel, Field

from kiln import aws, secrets
from kiln.auth.callers import Callers
from kiln.errors import ConfigurationError
from tests.support.account import put_secret
from tests.support.fakes import client_error

pytestmark = pytest.mark.usefixtures("cloud")


class Keys(BaseModel):
    first: str = Field(min_length=3)
    second: int = 0


def test_a_secret_is_kept_in_the_process_until_a_fresh_one_is_asked_for():
    put_secret("kiln-keys", {"first": "one"})
    assert secrets.read("kiln-keys", Keys).first == "one"
    put_secret("kiln-keys", {"first": "two"})
    assert secrets.read("kiln-keys", Keys).first == "one"
    assert secrets.read("kiln-keys", Keys, fresh=True).first == "two"
    assert secrets.read("kiln-keys", Keys).first == "two"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"first": "hunter2", "second": "hunter2"}, "second"),
        ({}, "first"),
        ({"first": "", "second": []}, "first, second"),
        ("hunter2", "body"),
        ("[]", "body"),
    ],
)
def test_a_wrong_secret_names_its_fields_and_not_its_content(content, wrong):
    put_secret("kiln-keys", content)
    with pytest.raises(ConfigurationError) as refused:
        secrets.read("kiln-keys", Keys)
    assert str(refused.value) == f"secret kiln-keys: {wrong} is missing or wrong"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.fixture
def away(cloud, monkeypatch) -> Callable[[Exception | None], None]:
    """Makes Secrets Manager fail with an error, or work again."""
    client = aws.secrets_manager()
    working = client.get_secret_value

    def fail(error: Exception | None) -> None:
        def answer(**request: Any) -> Any:
            if error is not None:
                raise error
            return working(**request)

        monkeypatch.setattr(client, "get_secret_value", answer)

    return fail


@pytest.fixture
def later(monkeypatch) -> Callable[[float], None]:
    """Lets some seconds pass on the process's clock."""
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


OUTAGES = [
    client_error("InternalServiceError"),
    client_error("ThrottlingException"),
    EndpointConnectionError(endpoint_url="x"),
]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__ + str(error)[:60])
def test_copy_serves_while_secrets_manager_is_away(away, later, measured, outage):
    put_secret("kiln-keys", {"first": "one"})
    secrets.read("kiln-keys", Keys)
    put_secret("kiln-keys", {"first": "two"})
    away(outage)
    later(secrets.CACHE_SECONDS + 1)
    assert secrets.read("kiln-keys", Keys).first == "one"
    assert secrets.read("kiln-keys", Keys, fresh=True).first == "one"
    assert measured == [("SecretsStale", 1, "")] * 2


def test_secrets_manager_is_asked_again_after_30_seconds_only(away, later, measured):
    put_secret("kiln-keys", {"first": "one"})
    secrets.read("kiln-keys", Keys)
    put_secret("kiln-keys", {"first": "two"})
    away(OUTAGES[0])
    later(secrets.CACHE_SECONDS + 1)
    for _ in range(5):
        secrets.read("kiln-keys", Keys)
    assert len(measured) == 1
    away(None)
    assert secrets.read("kiln-keys", Keys).first == "one"
    later(secrets.RETRY_SECONDS + 1)
    assert secrets.read("kiln-keys", Keys).first == "two"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "InvalidRequestException"])
def test_withdrawn_secret_does_not_serve(away, later, code):
    put_secret("kiln-keys", {"first": "one"})
    secrets.read("kiln-keys", Keys)
    away(client_error(code))
    later(secrets.CACHE_SECONDS + 1)
    with pytest.raises(ClientError, match=code):
        secrets.read("kiln-keys", Keys)


def test_without_a_copy_an_outage_is_an_error(away):
    away(OUTAGES[0])
    with pytest.raises(ClientError):
        secrets.read("kiln-keys", Keys)


def test_secret_without_a_value_is_read_as_an_empty_object(cloud):
    arn = aws.secrets_manager().create_secret(Name="kiln-not-set")["ARN"]
    assert secrets.read(arn, Callers).callers == []
    put_secret("kiln-not-set", {"callers": [{"name": "shop", "api_keys": ["k"]}]})
    assert secrets.read(arn, Callers, fresh=True).callers[0].name == "shop"


def test_missing_secret_is_an_error(cloud):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secrets.read("kiln-nowhere", Callers)
