"""The simulated provider's callbacks: their times, bodies, signatures and retries; and images given by URL."""

from __future__ import annotations

import json

from standardwebhooks import Webhook

from tests.support.provider_rig import make_job, picture_bytes, provider

CALLBACK = "https://caller.test/hook?token=t"
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


def test_each_change_of_status_posts_a_bare_object():
    with provider() as rig:
        urls = rig.image_urls(make_job(n=2, callback_url=CALLBACK, external_task_id="mine"))
        rig.until_callbacks(3)
        assert {str(request.url) for request in rig.outside.callbacks} == {CALLBACK}
        posted = {body["task_status"]: body for body in map(json.loads, (r.content for r in rig.outside.callbacks))}
        assert set(posted) == {"submitted", "processing", "succeed"}
        last = posted["succeed"]
        assert set(last) == {
            "task_id",
            "task_status",
            "task_status_msg",
            "created_at",
            "updated_at",
            "final_unit_deduction",
            "task_info",
            "task_result",
        }
        assert [image["url"] for image in last["task_result"]["images"]] == urls
        assert last["task_info"] == {"external_task_id": "mine"}
        assert posted["submitted"]["task_result"] == {"images": []}
        assert "webhook-signature" not in rig.outside.callbacks[0].headers


def test_account_with_a_secret_signs_callbacks():
    with provider(webhook_secret=SECRET) as rig:
        rig.image_urls(make_job(callback_url=CALLBACK))
        rig.until_callbacks(3)
        for request in rig.outside.callbacks:
            verified = Webhook(SECRET).verify(request.content, dict(request.headers))
            assert verified["task_status"]


def test_refused_callback_is_posted_three_times():
    with provider(webhook_secret=SECRET) as rig:
        rig.set_faults(task_seconds=60)
        rig.outside.answers = [500, 302, 404, 200]
        rig.create(make_job(callback_url=CALLBACK))
        rig.until_callbacks(3)
        assert len({request.headers["webhook-id"] for request in rig.outside.callbacks}) == 1
        assert rig.outside.answers == [200]


def test_image_given_by_url_is_fetched():
    with provider() as rig:
        rig.outside.images["https://images.test/a?sig=1"] = picture_bytes()
        job = make_job(subject_image_list=[{"subject_image": "https://images.test/a?sig=1"}])
        assert rig.create(job).status_code == 200


def test_image_that_cannot_be_fetched_is_refused_by_field():
    with provider() as rig:
        refused = rig.create(make_job(style_image="https://images.test/missing"))
        assert (refused.status_code, refused.json()["code"]) == (400, 1201)
        assert refused.json()["message"].startswith("style_image: the URL could not be fetched")
        assert rig.stats()["generated"] == 0


def test_fetched_image_is_checked_like_a_sent_one():
    with provider() as rig:
        rig.outside.images["https://images.test/page"] = b"<html>not an image</html>"
        rig.outside.images["https://images.test/small"] = picture_bytes(width=200)
        rig.outside.images["https://images.test/large"] = b"\xff\xd8\xff" + bytes(11 * 1024 * 1024)
        for name, limit in (("page", "must be a jpg"), ("small", "each side"), ("large", "must be at most 10 MB")):
            refused = rig.create(make_job(scene_image=f"https://images.test/{name}"))
            assert refused.json()["code"] == 1201
            assert refused.json()["message"].startswith(f"scene_image: {limit}")
