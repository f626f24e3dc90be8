"""The names in a job match files as people see them."""

from __future__ import annotations

import json
import unicodedata

import pytest

from tests.support.images import picture

CAFE = "café 猫.png"
NFC, NFD = (unicodedata.normalize(form, CAFE) for form in ("NFC", "NFD"))


def job(name: str) -> bytes:
    return json.dumps({"subject_image_list": [{"subject_image": name}]}).encode()


@pytest.mark.parametrize("is_job_first", [True, False], ids=["job first", "file first"])
@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (NFC, NFD),
        (NFD, NFC),
        ("./cat.png", "cat.png"),
        ("sub\\cat.png", "sub/cat.png"),
        (".\\sub\\Cat.PNG", "sub/cat.png"),
        ("cat.png", "cat.PNG"),
        ("CAT.PNG", "cat.png"),
        ("cat.png ", "cat.png"),
        ("a/b/c/d/e/f/g/h/cat.png", "a/b/c/d/e/f/g/h/cat.png"),
    ],
)
def test_name_that_looks_the_same_is_the_same(inbox, accepted, written, stored, is_job_first):
    drops = [("f/job.json", job(written)), (f"f/{stored}", picture())]
    made = [inbox.drop(*each) for each in (drops if is_job_first else reversed(drops))]
    assert made[0] is None
    assert made[1] is not None
    assert [each.key for each in made[1].inputs] == [f"f/{stored}"]


def test_exact_name_is_meant_where_several_look_alike(inbox, accepted):
    inbox.put("f/cat.png", picture())
    inbox.put("f/cat.PNG", picture())
    task = inbox.drop("f/job.json", job("cat.PNG"))
    assert task is not None
    assert task.inputs[0].key == "f/cat.PNG"


def test_name_of_several_files_is_refused(inbox, accepted):
    inbox.put("f/Cat.png", picture())
    inbox.put("f/cat.PNG", picture())
    assert inbox.drop("f/job.json", job("cat.png")) is None
    assert inbox.result("f")["message"] == "cat.png: must be one file, got Cat.png and cat.PNG"


@pytest.mark.parametrize("name", ["C:\\Users\\me\\cat.png", "..\\g\\cat.png", "/cat.png", "file:///home/me/cat.png"])
def test_name_outside_the_folder_is_refused_at_once(inbox, name):
    inbox.drop("f/job.json", job(name))
    assert inbox.result("f")["message"] == f"job.json: must name files within its folder, got '{name}'"


def test_name_nine_folders_below_is_refused_at_once(inbox):
    inbox.drop("f/job.json", job("1/2/3/4/5/6/7/8/9/cat.png"))
    assert inbox.result("f")["message"].startswith("job.json: must name files at most 8 folders below its own")
