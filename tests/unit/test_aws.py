"""The error code of whatever a client raises."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from boto3.session import Session

from kiln import aws
from tests.support.fakes import client_error


@pytest.mark.parametrize(
    ("error", "code"), [(client_error("NoSuchKey"), "NoSuchKey"), (ValueError("x"), ""), (KeyError("response"), "")]
)
def test_error_code_is_read_from_the_answer(error, code):
    assert aws.error_code(error) == code


def test_clients_are_built_once(cloud):
    assert aws.dynamodb() is aws.dynamodb()
    assert aws.s3() is aws.s3()
    assert aws.s3().meta.config.signature_version == "s3v4"
    assert aws.sqs() is aws.sqs()
    assert aws.step_functions() is aws.step_functions()


def test_requests_have_a_user_agent_that_names_kiln(cloud):
    sent: list[str] = []
    aws.dynamodb().meta.events.register("before-send", lambda request, **_: sent.append(request.headers["User-Agent"]))
    aws.dynamodb().list_tables()
    assert [agent.split()[0] for agent in sent] == ["kiln"]


def test_concurrent_threads_get_one_client():
    """Images come several at a time. A client is a hundred milliseconds of work, and a session is not made for two."""
    aws.s3.cache_clear()
    threads = 8
    together = threading.Barrier(threads)

    def ask(_: int) -> object:
        together.wait()
        return aws.s3()

    with ThreadPoolExecutor(threads) as pool:
        clients = list(pool.map(ask, range(threads)))
    assert len({id(client) for client in clients}) == 1


@pytest.fixture
def roots(monkeypatch, tmp_path):
    """Amazon's roots, as the build leaves them beside the layer's code."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    made = tmp_path / "amazon_roots.pem"
    made.touch()
    monkeypatch.setattr(aws, "_AMAZON_ROOTS", made)
    aws._trusted.cache_clear()
    yield made
    aws._trusted.cache_clear()


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-1"])
def test_amazons_endpoints_are_verified_with_amazons_roots(roots, monkeypatch, region):
    monkeypatch.setattr(aws, "_session", lambda: session(region))
    assert aws._trusted() == str(roots)


@pytest.mark.parametrize("region", ["cn-north-1", "us-iso-east-1"])
def test_endpoints_of_other_partitions_use_botocores_roots(roots, monkeypatch, region):
    monkeypatch.setattr(aws, "_session", lambda: session(region))
    assert aws._trusted() is None


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_configured_endpoint_or_bundle_is_used(roots, monkeypatch, name):
    monkeypatch.setenv(name, "https://aws.test")
    assert aws._trusted() is None


def test_missing_roots_of_the_build_use_botocores(monkeypatch, tmp_path):
    monkeypatch.setattr(aws, "_AMAZON_ROOTS", tmp_path / "none.pem")
    aws._trusted.cache_clear()
    assert aws._trusted() is None
    aws._trusted.cache_clear()


def session(region):
    return Session(region_name=region)
