"""File names: rubbish of systems, misnamed job files, and the names that people mean."""

from __future__ import annotations

import unicodedata

import pytest

from kiln.drops.names import in_order, is_system_file, meant, misnamed, named_in


@pytest.mark.parametrize(
    "key",
    [
        ".DS_Store",
        "f/.DS_Store",
        "f/Thumbs.db",
        "f/desktop.ini",
        "f/._cat.png",
        "__MACOSX/f/cat.png",
        "f/__MACOSX/._cat.png",
        "f/.gitkeep",
        "f_$folder$",
        "a/f_$folder$",
        "f/~$notes.docx",
        "f/cat.png.part",
        "f/cat.png.filepart",
        "f/.~lock.notes.odt#",
        "f/.~lock",
        ".Spotlight-V100/x",
        "f/@eaDir/cat.png/SYNOPHOTO_THUMB.jpg",
        "f/Icon\r",
    ],
)
def test_system_file_is_known_by_name(key):
    assert is_system_file(key)


@pytest.mark.parametrize(
    "key", ["cat.png", "f/part.png", "f/a_folder/cat.png", "f/.hidden.png", "f/git/cat.png", "~cat.png"]
)
def test_file_that_a_person_means_is_no_system_file(key):
    assert not is_system_file(key)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("job.json.txt", "job.json"),
        ("job (1).json", "job.json"),
        ("jobs.json", "job.json"),
        ("job.yaml", "job.json"),
        ("job.yml", "job.json"),
        ("job.txt", "job.json"),
        ("Job - Copy.json", "job.json"),
        ("job", "job.json"),
        ("my job.json", "job.json"),
        ("task.json", "job.json"),
        ("job.json5", "job.json"),
        ("promt.txt", "prompt.txt"),
        ("prompt.txt.txt", "prompt.txt"),
        ("Prompt.md", "prompt.txt"),
        ("prompt (1).txt", "prompt.txt"),
        ("提示词.txt", "prompt.txt"),
    ],
)
def test_misnamed_job_file_is_named(name, wanted):
    assert misnamed(["cat.png", name]) == (name, wanted)


@pytest.mark.parametrize(
    "name",
    ["cat.png", "job.png", "prompt.jpg", "jobless.pdf", "defaults.json", "clip.mp4", "notes.txt", "protocol.pdf"],
)
def test_other_file_is_no_misnamed_job_file(name):
    assert misnamed([name]) is None


def test_file_most_like_a_job_is_the_misnamed_one():
    assert misnamed(["a.json", "job (1).json", "prompt.md"]) == ("job (1).json", "job.json")


def test_exact_name_comes_before_other_cases():
    assert named_in(["JOB.JSON", "job.json"], "job.json") == "job.json"
    assert named_in(["Job.json", "JOB.JSON"], "job.json") == "JOB.JSON"
    assert named_in(["job.png"], "job.json") is None


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("cat.png", "cat.png"),
        ("./cat.png", "cat.png"),
        (".\\cat.png", "cat.png"),
        ("sub\\cat.png", "sub/cat.png"),
        ("sub//cat.png", "sub/cat.png"),
        (" cat.png ", "cat.png"),
        ("../cat.png", None),
        ("..\\cat.png", None),
        ("/cat.png", None),
        ("C:\\Users\\me\\cat.png", None),
        ("file:///cat.png", None),
        ("a/../cat.png", None),
        (".", None),
    ],
)
def test_written_name_means_a_path_in_the_folder(written, path):
    assert meant(written) == path


def test_names_are_ordered_as_people_read_them():
    names = ["cat10.png", "cat2.png", "Bird.png", unicodedata.normalize("NFD", "é.png"), "1.png"]
    assert sorted(names, key=in_order) == ["1.png", "Bird.png", "cat2.png", "cat10.png", names[3]]
