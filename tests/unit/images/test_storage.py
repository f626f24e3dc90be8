"""Placing an image that is at hand: signed for its content, checked by S3, tried again where S3 fails."""

from __future__ import annotations

import pytest
import urllib3

from kiln.images import storage
from kiln.images.storage import StorageFailed, store
from kiln_lambda.observability import logger
from tests.support.fakes import SignedPuts
from tests.support.images import picture


def test_stored_image_has_its_bytes_and_content_type(cloud):
    store("kiln-inputs", "t/subject-0.png", picture(), "image/png")
    answer = cloud.s3.get_object(Bucket="kiln-inputs", Key="t/subject-0.png")
    assert (answer["Body"].read(), answer["ContentType"]) == (picture(), "image/png")


@pytest.mark.parametrize("status", [301, 400, 403, 503])
def test_refusal_by_s3_raises_and_stores_nothing(cloud, monkeypatch, status):
    monkeypatch.setattr(storage, "http", lambda: SignedPuts(cloud.s3, status))
    with pytest.raises(StorageFailed, match=f"S3 answered HTTP {status}"):
        store("kiln-inputs", "t/subject-0.png", picture(), "image/png")
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="kiln-inputs")


def test_failure_of_s3_is_retried_and_a_redirect_is_not_followed(cloud, monkeypatch):
    pool = SignedPuts(cloud.s3)
    monkeypatch.setattr(storage, "http", lambda: pool)
    store("kiln-inputs", "t/subject-0.png", picture(), "image/png")
    [options] = pool.options
    assert options["redirect"] is False
    assert options["retries"].is_retry("PUT", 503)
    assert not options["retries"].is_retry("PUT", 403)


def test_unreachable_s3_is_logged_without_the_link(cloud, monkeypatch, logged, logged_at_root):
    def unreachable(*_, **__):
        raise ConnectionRefusedError

    monkeypatch.setattr(urllib3.util.connection, "create_connection", unreachable)
    monkeypatch.setattr(storage, "http", urllib3.PoolManager)
    monkeypatch.setattr(storage, "_RETRIES", storage._RETRIES.new(backoff_factor=0))
    with pytest.raises(StorageFailed, match="S3 cannot be reached: MaxRetryError") as failed:
        store("kiln-inputs", "t/subject-0.png", picture(), "image/png")
    logger.exception("failed", exc_info=failed.value)
    assert "S3 cannot be reached" in logged.getvalue()
    assert "X-Amz-" not in logged.getvalue() + logged_at_root.getvalue()


@pytest.mark.parametrize("path", ["/b/a/./k", "/b/a/../k", "/b/../k", "/b/%2E/k"])
def test_signed_path_is_sent_as_it_was_signed(monkeypatch, path):
    """urllib3 takes ``.`` and ``..`` out of a path, and S3 then finds another key than the one that was signed."""
    sent = []
    answer = urllib3.HTTPResponse(status=200)

    def urlopen(_pool, method, url, *_, **__):
        sent.append((method, url))
        return answer

    monkeypatch.setattr(urllib3.connectionpool.HTTPConnectionPool, "urlopen", urlopen)
    link = f"http://s3.test:80{path}?X-Amz-Signature=abc%2F"
    storage.http.__wrapped__().request("PUT", link, body=b"x", redirect=False)
    assert sent == [("PUT", f"{path}?X-Amz-Signature=abc%2F")]
