"""A folder with a ``prompt.txt`` is a job without JSON."""

from __future__ import annotations

import itertools
import json

import pytest

from kiln.drops.result_file import write_result
from kiln.tasks.store import TaskStore
from tests.support.images import picture
from tests.support.samples import stored_image


def only_task(accepted):
    [task_id] = accepted
    return TaskStore().get(task_id)


def drop(inbox, prompt: bytes = b"A cat", *names: str) -> None:
    for name in names or ("cat.png",):
        inbox.drop(f"f/{name}", picture())
    inbox.drop("f/prompt.txt", prompt)
    inbox.deliver()


FILES = {"prompt.txt": "n=3 ratio=3:2\n海边的猫\nin the rain\n".encode(), "cat.png": picture(), "Scene.JPG": picture()}


@pytest.mark.parametrize("order", list(itertools.permutations(FILES)), ids=",".join)
def test_names_say_what_the_images_are_whatever_the_order(inbox, accepted, order):
    for name in order:
        inbox.drop(f"f/{name}", FILES[name])
    assert len(accepted) == 0, "the folder's files have time to arrive"
    inbox.deliver()
    task = only_task(accepted)
    assert (task.prompt, task.n, task.aspect_ratio) == ("海边的猫\nin the rain", 3, "3:2")
    assert [(each.field, each.key) for each in task.inputs] == [
        ("subject_image_list[0].subject_image", "f/cat.png"),
        ("scene_image", "f/Scene.JPG"),
    ]
    assert task.origin.version == inbox.version("f/prompt.txt")


def test_subjects_are_in_the_order_that_people_read(inbox, accepted):
    drop(inbox, b"Four", "cat10.png", "cat2.png", "bird.jpeg", "Style.png", "ape.png")
    keys = [each.key for each in only_task(accepted).inputs]
    assert keys == ["f/ape.png", "f/bird.jpeg", "f/cat2.png", "f/cat10.png", "f/Style.png"]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("n=3 ratio=3:2", (3, "3:2", "kling-v2")),
        ("n = 2, model = kling-v2-1", (2, "16:9", "kling-v2-1")),
        ("ratio=1:1;n=1", (1, "1:1", "kling-v2")),
        ("N＝2，RATIO＝1：1", (2, "1:1", "kling-v2")),
        ("aspect_ratio=9:16", (1, "9:16", "kling-v2")),
    ],
)
def test_first_line_may_set_fields(inbox, accepted, line, fields):
    drop(inbox, f"{line}\r\nA cat".encode())
    task = only_task(accepted)
    assert (task.n, task.aspect_ratio, task.model_name, task.prompt) == (*fields, "A cat")


@pytest.mark.parametrize(
    "text", ["A cat", "E=mc2 is written on the wall", "a = b, said the cat", "\nsize=2\n", "One\nn=3"]
)
def test_words_are_the_prompt(inbox, accepted, text):
    drop(inbox, text.encode())
    assert (only_task(accepted).prompt, only_task(accepted).n) == (text.strip(), 1)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("", "prompt.txt: must hold the prompt, got an empty file"),
        ("n=2\n", "prompt.txt: must hold the prompt, got options alone"),
        ("n=3 A cat", "prompt.txt: the first line must hold options or the prompt, got both; put 'A cat' on the next"),
        ("n=3 ration=3:2\nA cat", "prompt.txt: the first line may set n, ratio and model, got 'ration'; if it is the"),
        ("size=2\nA cat", "prompt.txt: the first line may set n, ratio and model, got 'size'"),
        ("n=10\nA cat", "n: must be at most 9, got"),
        ("ratio=5:4\nA cat", "aspect_ratio: must be one of"),
        ("x" * 2_501, "prompt: must be at most 2500 characters"),
        ("{\\rtf1\\ansi A cat}", "prompt.txt: must be plain text, got RTF"),
    ],
)
def test_wrong_prompt_is_answered_and_makes_no_task(inbox, accepted, prompt, message):
    drop(inbox, prompt.encode())
    assert inbox.result("f")["message"].startswith(message)
    assert len(accepted) == 0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            [f"{n}.png" for n in range(20)],
            (
                "prompt.txt: takes 1 to 4 subjects, got 20 images: 0.png, 1.png, 2.png, 3.png, 4.png, and 15 more; "
                "name the scene scene.* and the style style.*. "
                'For several tasks drop one folder for each, or add a job.json with {"jobs": […]}'
            ),
        ),
        (["cat.png", "scene.png", "SCENE.jpg"], "prompt.txt: one image must be the scene, got SCENE.jpg, scene.png"),
        (["scene.png"], "prompt.txt: needs 1 to 4 images beside it in its folder, got none"),
        (["notes.md"], "prompt.txt: needs 1 to 4 images beside it in its folder, got none"),
    ],
)
def test_wrong_images_are_answered_and_make_no_task(inbox, accepted, names, message):
    drop(inbox, b"A cat", *names)
    assert inbox.result("f")["message"].startswith(message)
    assert len(accepted) == 0


def test_image_of_another_format_is_refused_and_not_left_out(inbox, accepted):
    inbox.put("f/dog.gif", picture(form="GIF"))
    drop(inbox)
    assert inbox.result("f")["message"].startswith("dog.gif: must be a jpg, jpeg or png image")
    assert len(accepted) == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_prompt_in_the_encoding_of_an_editor_is_read(inbox, accepted, encoding):
    drop(inbox, "海边的猫".encode(encoding))
    assert only_task(accepted).prompt == "海边的猫"


@pytest.mark.parametrize("name", ["PROMPT.TXT", "Prompt.txt"])
def test_prompt_file_in_any_case_is_read(inbox, accepted, name):
    inbox.put(f"f/{name}", b"A cat")
    inbox.drop("f/cat.png", picture())
    inbox.deliver()
    assert only_task(accepted).prompt == "A cat"


def test_job_json_comes_before_prompt_txt(inbox, accepted):
    drop(inbox, b"Not this")
    assert len(accepted) == 1
    job = {"prompt": "This", "subject_image_list": [{"subject_image": "cat.png"}]}
    task = inbox.drop("f/job.json", json.dumps(job).encode())
    assert task is not None
    assert task.prompt == "This"
    inbox.drop("f/dog.png", picture())
    inbox.deliver()
    assert len(accepted) == 2


def test_same_files_again_are_the_same_task(inbox, accepted):
    drop(inbox)
    drop(inbox)
    assert len(accepted) == 1


def test_failed_folder_is_tried_again_when_its_prompt_is_dropped_again(inbox, accepted):
    drop(inbox)
    task = only_task(accepted)
    TaskStore().fail(task, "why")
    inbox.drop("f/notes.txt", b"x")
    inbox.deliver()
    assert len(accepted) == 1
    inbox.drop("f/prompt.txt", b"A cat")
    inbox.deliver()
    assert len(accepted) == 2


def test_folder_is_no_task_before_its_files_pause(inbox, accepted, monkeypatch, stopped_clock):
    monkeypatch.setenv("DROP_QUIET_SECONDS", "2")
    monkeypatch.setenv("DROP_WAIT_SECONDS", "2")
    inbox.drop("f/prompt.txt", b"Two")
    inbox.drop("f/cat.png", picture())
    stopped_clock.advance(1.2)
    inbox.drop("f/dog.png", picture())
    stopped_clock.advance(0.9)
    inbox.deliver()
    assert len(accepted) == 0
    stopped_clock.advance(2)
    inbox.deliver()
    assert len(only_task(accepted).inputs) == 2


def test_files_that_are_not_used_are_named_in_the_result(inbox, accepted):
    drop(inbox, b"A cat", "cat.png", "notes.md", "clip.mp4")
    task = only_task(accepted)
    TaskStore().succeed(task, [stored_image()], "8")
    write_result(TaskStore().get(task.task_id), "https://kiln.test")
    assert inbox.result("f")["ignored"] == ["clip.mp4", "notes.md"]
