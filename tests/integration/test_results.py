"""Result links: they need no key, and an altered link is refused."""

from __future__ import annotations

import pytest

from tests.integration.client import Client
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded


@pytest.fixture
def links(kiln: Deployment, client: Client) -> list[str]:
    task = assert_succeeded(kiln, client, client.create(n=2), n=2)
    return [image["url"] for image in task["task_result"]["images"]]


def test_result_link_redirects_to_the_image(kiln: Deployment, client: Client, links: list[str]) -> None:
    for number, link in enumerate(links):
        assert link.startswith(f"{client.api_url}/v1/results/")
        assert link.rsplit("/", 1)[1] in (f"{number}.png", f"{number}.jpg")
        got = kiln.http.get(link, follow_redirects=True)
        head = kiln.http.head(link, follow_redirects=True)
        assert (got.status_code, head.status_code) == (200, 200)
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.content == b""
        # A client that sends its keys along, as some do, gets the image too.
        with_keys = kiln.http.get(link, headers={"Authorization": f"Bearer {client.caller.token()}"})
        assert with_keys.status_code == 302
    first, second = [kiln.http.get(link, follow_redirects=True).content for link in links]
    assert first != second


def test_altered_link_is_not_found(kiln: Deployment, links: list[str]) -> None:
    base, task_id, token, file = links[0].rsplit("/", 3)
    other_token, other_file = links[1].rsplit("/", 2)[1:]
    altered = [
        f"{base}/{task_id}/{token}/{other_file}",
        f"{base}/{task_id}/{other_token}/{file}",
        f"{base}/{task_id}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}/{file}",
        f"{base}/{'0' * 32}/{token}/{file}",
        f"{base}/{task_id}/{token}/8.png",
        f"{base}/{task_id}/{token}/0.txt",
    ]
    for link in altered:
        for method in ("GET", "HEAD"):
            answer = kiln.http.request(method, link)
            assert answer.status_code == 404, (method, link)
        assert kiln.http.get(link).json()["code"] in (1202, 1203)
