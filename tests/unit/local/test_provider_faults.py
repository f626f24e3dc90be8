"""Every fault of the simulated provider does what its name says, and the counts show what happened."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from local.provider.faults.settings import Faults
from local.provider.tasks.lifecycle import RISK_CONTROL
from tests.support.provider_rig import PATH, make_job, provider, sign

CALLBACK = "https://caller.test/hook"
UNDER_WAY = ("submitted", "processing")


def test_new_faults_replace_the_old_ones():
    with provider() as rig:
        rig.set_faults(throttle_rate=1, hang_s=2)
        answer = rig.client.post("/_control/faults", json={"max_slots": 4})
        assert answer.json() == {"max_slots": 4}
        assert rig.client.get("/_control/faults").json() == {"max_slots": 4}
        assert rig.client.post("/_control/faults", json={}).json() == {}


@pytest.mark.parametrize(
    ("faults", "name"),
    [
        ({"no_such_fault": True}, "no_such_fault"),
        ({"drop_callbacks": "yes"}, "drop_callbacks"),
        ({"drop_callbacks": 1}, "drop_callbacks"),
        ({"throttle_rate": 1.5}, "throttle_rate"),
        ({"throttle_rate": True}, "throttle_rate"),
        ({"hang_s": -1}, "hang_s"),
        ({"max_slots": 2.5}, "max_slots"),
        ({"account_error": 1103}, "account_error"),
        ({"slow_images_bps": 0}, "slow_images_bps"),
        ([], "body"),
    ],
)
def test_impossible_fault_is_refused_by_name_and_changes_nothing(faults, name):
    with provider() as rig:
        rig.set_faults(max_slots=5)
        refused = rig.client.post("/_control/faults", json=faults)
        assert refused.status_code == 400
        assert refused.json()["message"].startswith(f"{name}: ")
        assert rig.client.get("/_control/faults").json() == {"max_slots": 5}


def test_every_fault_is_described_and_documented():
    page = (Path(__file__).resolve().parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
    for name, known in Faults.model_fields.items():
        assert known.description
        assert f"| `{name}` |" in page


def test_throttled_request_only_counts():
    with provider() as rig:
        rig.set_faults(throttle_rate=1)
        refused = rig.create(make_job(external_task_id="again"))
        assert (refused.status_code, refused.json()["code"]) == (429, 1302)
        assert rig.get(PATH).json()["code"] == 1302
        assert rig.stats() == {
            "creates": 1,
            "refused": 2,
            "generated": 0,
            "queries": 1,
            "callbacks_sent": 0,
            "by_external_id": {},
            "by_account": {"default": {"creates": 1, "generated": 0, "refused": 2}},
            "struck": 2,
        }
        rig.set_faults()
        assert rig.create(make_job(external_task_id="again")).status_code == 200


def test_error_rate_answers_three_codes_without_effect():
    with provider() as rig:
        rig.set_faults(error_rate=1)
        answers = [rig.create(make_job()) for _ in range(20)]
        assert {(a.status_code, a.json()["code"]) for a in answers} == {(500, 5000), (503, 5001), (504, 5002)}
        assert rig.stats()["generated"] == 0


def test_random_faults_end_after_at_most():
    with provider() as rig:
        rig.set_faults(throttle_rate=1, at_most=2)
        assert [rig.create(make_job()).status_code for _ in range(4)] == [429, 429, 200, 200]
        assert rig.stats()["struck"] == 2
        rig.set_faults(throttle_rate=1, at_most=1)
        assert rig.stats()["struck"] == 0
        assert [rig.create(make_job()).status_code for _ in range(2)] == [429, 200]


def test_same_seed_strikes_the_same_requests():
    with provider(seed=None) as rig:

        def statuses(seed: int) -> list[int]:
            rig.set_faults(throttle_rate=0.5, seed=seed)
            return [rig.get(PATH).status_code for _ in range(40)]

        first = statuses(20_260)
        assert set(first) == {200, 429}
        assert statuses(20_261) != first
        assert statuses(20_260) == first


def test_garbage_answer_is_not_json_and_has_no_effect():
    with provider() as rig:
        rig.set_faults(garbage_rate=1)
        for answer in (rig.create(make_job()), rig.get(f"{PATH}/1"), rig.get(PATH)):
            assert answer.status_code == 200
            assert answer.text.startswith("<html>")
        assert rig.stats()["generated"] == 0


def test_create_then_error_creates_the_task():
    with provider() as rig:
        rig.set_faults(create_then_error=1)
        answer = rig.create(make_job(external_task_id="made"))
        assert (answer.status_code, answer.json()["code"]) == (504, 5002)
        assert rig.wait_for("made", "succeed")["task_info"] == {"external_task_id": "made"}
        assert rig.stats()["by_external_id"] == {"made": 1}


@pytest.mark.parametrize("code", [1100, 1101, 1102])
def test_account_in_arrears_refuses_creates_only(code):
    with provider() as rig:
        rig.set_faults(account_error=code)
        refused = rig.create(make_job())
        assert (refused.status_code, refused.json()["code"]) == (429, code)
        assert rig.get(PATH).status_code == 200
        assert rig.stats()["refused"] == 0


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1004, 1304])
def test_refused_account_is_refused_queries_too(code):
    with provider() as rig:
        rig.set_faults(account_error=code)
        assert [rig.create(make_job()).json()["code"], rig.get(PATH).json()["code"]] == [code, code]


def test_failed_task_has_a_reason_and_releases_its_slots():
    with provider(max_slots=1) as rig:
        rig.set_faults(fail_tasks=1)
        failed = rig.wait_for(rig.create(make_job()).json()["data"]["task_id"], "failed")
        assert failed["task_status_msg"] == RISK_CONTROL
        assert "final_unit_deduction" not in failed
        assert failed["task_result"] == {"images": []}
        assert rig.create(make_job()).status_code == 200


def test_create_beyond_max_slots_is_refused():
    with provider() as rig:
        rig.set_faults(max_slots=0)
        assert rig.create(make_job()).json()["code"] == 1303


def test_hanging_create_creates_at_once_and_answers_late():
    with provider() as rig:
        rig.set_faults(hang_s=0.2)
        start = time.monotonic()
        created = rig.create(make_job()).json()["data"]
        assert time.monotonic() - start >= 0.2
        rig.set_faults()
        # Its short life was over before the answer came.
        assert rig.found(created["task_id"])["created_at"] == created["created_at"]
        rig.wait_for(created["task_id"], "succeed")
        assert created["task_status"] == "submitted"


def test_task_seconds_keep_a_task_running():
    with provider() as rig:
        rig.set_faults(task_seconds=60)
        task_id = rig.create(make_job()).json()["data"]["task_id"]
        assert rig.found(task_id)["task_status"] in UNDER_WAY


def test_finish_ends_running_tasks_and_no_later_one():
    with provider() as rig:
        rig.set_faults(task_seconds=3_600)
        drawn = rig.create(make_job(n=2, callback_url=CALLBACK)).json()["data"]["task_id"]
        # However long it takes, most of it is the drawing.
        rig.wait_for(drawn, "processing")
        fresh = rig.create(make_job()).json()["data"]["task_id"]
        assert rig.client.post("/_control/finish").json() == {"task_seconds": 3_600}
        assert len(rig.wait_for(drawn, "succeed")["task_result"]["images"]) == 2
        rig.wait_for(fresh, "succeed")
        rig.until_callbacks(3)
        # A later task takes its time again.
        later = rig.create(make_job(n=9)).json()["data"]["task_id"]
        assert rig.found(later)["task_status"] in UNDER_WAY


def test_dropped_callbacks_are_not_posted():
    with provider() as rig:
        rig.set_faults(drop_callbacks=True)
        rig.image_urls(make_job(callback_url=CALLBACK))
        assert rig.stats()["callbacks_sent"] == 0


def test_duplicated_callbacks_are_equal():
    with provider(webhook_secret="whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=") as rig:
        rig.set_faults(duplicate_callbacks=True)
        rig.image_urls(make_job(callback_url=CALLBACK))
        rig.until_callbacks(6)
        ids = [request.headers["webhook-id"] for request in rig.outside.callbacks]
        assert sorted(ids.count(one) for one in set(ids)) == [2, 2, 2]


@pytest.mark.parametrize("fault", [{"delay_callbacks_s": 0.3}, {"shuffle_callbacks_s": 0.2}])
def test_delayed_or_shuffled_callbacks_all_arrive(fault):
    with provider() as rig:
        rig.set_faults(**fault)
        rig.image_urls(make_job(callback_url=CALLBACK))
        rig.until_callbacks(3)


def test_truncated_images_alternate_between_two_ways():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        whole = rig.client.get(url)
        rig.set_faults(truncate_images=1)
        broken_off, short = rig.client.get(url), rig.client.get(url)
        assert int(broken_off.headers["content-length"]) == len(whole.content) > len(broken_off.content)
        assert int(short.headers["content-length"]) == len(short.content) < len(whole.content)


def test_image_errors_answer_403_or_404():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        rig.set_faults(image_errors=1)
        assert {rig.client.get(url).status_code for _ in range(20)} == {403, 404}
        rig.set_faults()
        assert rig.client.get(url).status_code == 200


def test_first_download_of_each_image_fails():
    with provider() as rig:
        rig.set_faults(first_image_try_fails=True)
        urls = rig.image_urls(make_job(n=2))
        assert {rig.client.get(url).status_code for url in urls} <= {403, 404}
        assert [rig.client.get(url).status_code for url in urls] == [200, 200]


def test_not_images_are_html():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        rig.set_faults(not_images=1)
        answer = rig.client.get(url)
        assert answer.status_code == 200
        assert answer.text.startswith("<html>")


def test_expired_links_belong_to_one_answer():
    with provider() as rig:
        (good,) = rig.image_urls(make_job(external_task_id="late"))
        # A task without links is not struck: there would be nothing to see.
        rig.set_faults(expired_links=1, at_most=1, task_seconds=3_600)
        rig.create(make_job(external_task_id="early"))
        assert rig.found("early")["task_result"] == {"images": []}
        (expired,) = [image["url"] for image in rig.found("late")["task_result"]["images"]]
        assert expired.partition("?")[0] == good.partition("?")[0]
        assert rig.client.get(expired).status_code == 403
        rig.set_faults()
        (fresh,) = [image["url"] for image in rig.found("late")["task_result"]["images"]]
        assert rig.client.get(fresh).status_code == 200


def test_wrong_type_leaves_the_content_right():
    with provider() as rig:
        rig.set_faults(wrong_types=1)
        (url,) = rig.image_urls(make_job())
        assert rig.get(PATH).headers["content-type"].startswith("text/html")
        picture = rig.client.get(url)
        assert picture.headers["content-type"] == "text/plain"
        rig.set_faults()
        assert rig.client.get(url).content == picture.content
        assert rig.client.get(url).headers["content-type"].startswith("image/")


@pytest.mark.parametrize(
    ("skew", "code"), [(-4, 0), (-60, 1003), (1_700, 0), (1_801, 1004)], ids=["behind", "early", "ahead", "late"]
)
def test_clock_skew_fault_shifts_token_times(skew, code):
    with provider() as rig:
        rig.set_faults(clock_skew_s=skew)
        assert rig.get(PATH).json()["code"] == code


def test_slow_image_arrives_complete():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        size = len(rig.client.get(url).content)
        rig.set_faults(slow_images_bps=size * 5)
        start = time.monotonic()
        assert len(rig.client.get(url).content) == size
        assert time.monotonic() - start >= 0.15


def test_reset_removes_everything():
    with provider() as rig:
        (url,) = rig.image_urls(make_job(external_task_id="gone"))
        rig.set_faults(task_seconds=60)
        rig.create(make_job(n=9))
        rig.set_faults(throttle_rate=1)
        assert rig.client.post("/_control/reset").json() == {}
        assert rig.stats()["creates"] == rig.stats()["generated"] == 0
        assert rig.client.get(url).status_code == 404
        assert rig.client.get(PATH, headers=sign()).json()["data"] == []
        assert rig.create(make_job(n=9, external_task_id="gone")).status_code == 200


def test_odd_answers_can_be_those_of_one_prompt():
    with provider() as rig:
        rig.set_faults(
            answers={"status": {"succeed": "done"}},
            answers_by_prompt={
                "odd": {"status": {"succeed": "SUCCEED"}, "image_bytes": {"http_status": 410, "text": "", "times": 1}}
            },
        )
        odd = rig.create(make_job(prompt="odd")).json()["data"]["task_id"]
        other = rig.create(make_job(prompt="other")).json()["data"]["task_id"]
        url = rig.wait_for(odd, "SUCCEED")["task_result"]["images"][0]["url"]
        assert [rig.client.get(url).status_code for _ in range(2)] == [410, 200]
        assert rig.client.get(rig.wait_for(other, "done")["task_result"]["images"][0]["url"]).status_code == 200
