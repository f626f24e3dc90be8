"""The table of drops: files as people and their systems leave them in the inbox, and the right outcome of each.

``seen`` says which program or habit makes such files.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from tests.support.images import picture

CAT = picture()
JOB = {"prompt": "A cat", "subject_image_list": [{"subject_image": "cat.png"}]}
TEXT = json.dumps(JOB)
CHINESE = json.dumps({**JOB, "prompt": "海边的猫"}, ensure_ascii=False)


def _job(name: str, **fields: Any) -> bytes:
    return json.dumps({"subject_image_list": [{"subject_image": name}], **fields}, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Row:
    """One drop.

    Attributes:
        name: Of the row.
        seen: The program or habit that makes such files.
        files: Their content, by their name in the folder.
        tasks: How many tasks are right.
        says: A part of the message of the folder's ``result.json``; empty for no answer before a task ends.
        fields: Fields of the only task that must be so.
        is_end_to_end: Whether the row runs against the deployed template, too.
    """

    name: str
    seen: str
    files: dict[str, bytes]
    tasks: int = 0
    says: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    is_end_to_end: bool = False


ROWS = [
    # Without a job.
    Row("images alone", "a dragged folder", {"cat.png": CAT, "dog.png": CAT}, says="got 2 images", is_end_to_end=True),
    Row("one image alone", "a dragged folder", {"cat.png": CAT}, says="got 1 image and"),
    Row("a video alone", "a phone", {"clip.mp4": b"\0\0\0\x18ftypmp42"}, says="got no images"),
    Row("an archive alone", "Explorer: Send to, Compressed folder", {"pictures.zip": b"PK\3\4"}, says="got no images"),
    # Misnamed jobs.
    Row("job.json.txt", "Notepad", {"cat.png": CAT, "job.json.txt": TEXT.encode()}, says="got 'job.json.txt'; rename"),
    Row("job (1).json", "a browser's second download", {"cat.png": CAT, "job (1).json": TEXT.encode()}, says="(1)"),
    Row("job - Copy.json", "Explorer", {"cat.png": CAT, "job - Copy.json": TEXT.encode()}, says="'job - Copy.json'"),
    Row(
        "jobs.json",
        "made up: a habit of people",
        {"cat.png": CAT, "jobs.json": TEXT.encode()},
        says="rename it to job.json",
    ),
    Row(
        "job.yaml",
        "made up: a habit of people",
        {"cat.png": CAT, "job.yaml": b"prompt: A cat"},
        says="write it as JSON",
        is_end_to_end=True,
    ),
    Row("promt.txt", "made up: a typo", {"cat.png": CAT, "promt.txt": b"A cat"}, says="rename it to prompt.txt"),
    Row("JOB.JSON", "FAT file systems", {"cat.png": CAT, "JOB.JSON": TEXT.encode()}, tasks=1, is_end_to_end=True),
    Row("Job.json", "phones capitalise", {"Job.json": TEXT.encode(), "cat.png": CAT}, tasks=1),
    # Files of systems.
    Row("Finder's files", "macOS", {".DS_Store": b"\0\0\0\1Bud1", "._cat.png": b"\0\5\x16\7"}, is_end_to_end=True),
    Row("a zip of a Mac", "macOS", {"__MACOSX/._cat.png": b"\0\5\x16\7", "__MACOSX/f/._job.json": b"\0\5\x16\7"}),
    Row("Explorer's files", "Windows", {"Thumbs.db": b"\xd0\xcf\x11\xe0", "desktop.ini": b"[.ShellClassInfo]"}),
    Row("Office's files", "Windows", {"~$notes.docx": b"\5", ".~lock.notes.odt#": b","}),
    Row(
        "unfinished copies",
        "rclone, FileZilla, Chrome",
        {"cat.png.partial": CAT, "a.filepart": CAT, "b.crdownload": CAT},
    ),
    Row("marks of folders", "Hadoop, git", {"below_$folder$": b"", ".gitkeep": b""}),
    Row(
        "system files beside a prompt",
        "macOS",
        {".DS_Store": b"\0", "._cat.png": b"\0", "cat.png": CAT, "prompt.txt": b"A cat"},
        tasks=1,
    ),
    # Without JSON.
    Row(
        "a prompt and a picture",
        "the shortest drop",
        {"prompt.txt": b"A cat\n", "cat.png": CAT},
        tasks=1,
        fields={"prompt": "A cat", "n": 1},
        is_end_to_end=True,
    ),
    Row(
        "options, a scene and a style",
        "docs/drops.md",
        {"prompt.txt": b"n=2 ratio=3:2\nA cat", "cat.png": CAT, "Scene.JPG": CAT, "style.png": CAT},
        tasks=1,
        fields={"prompt": "A cat", "n": 2, "aspect_ratio": "3:2"},
        is_end_to_end=True,
    ),
    Row(
        "a typo in an option",
        "made up: a habit of people",
        {"prompt.txt": b"n=2 ration=3:2\nA cat", "cat.png": CAT},
        says="got 'ration'",
    ),
    Row(
        "options before words",
        "made up: a habit of people",
        {"prompt.txt": b"n=2 A cat", "cat.png": CAT},
        says="put 'A cat' on the next",
    ),
    Row(
        "five subjects",
        "made up: a habit of people",
        {"prompt.txt": b"All", **{f"{n}.png": CAT for n in range(5)}},
        says="got 5 images",
    ),
    Row("a prompt without pictures", "an upload that broke off", {"prompt.txt": b"A cat"}, says="got none"),
    Row("an empty prompt", "touch", {"prompt.txt": b"", "cat.png": CAT}, says="got an empty file"),
    Row(
        "a GIF among subjects",
        "chats",
        {"prompt.txt": b"A", "cat.png": CAT, "b.gif": picture(form="GIF")},
        says="b.gif",
    ),
    Row("a prompt in RTF", "TextEdit", {"prompt.txt": b"{\\rtf1\\ansi A cat}", "cat.png": CAT}, says="got RTF"),
    Row(
        "a prompt in GBK",
        "Notepad, Chinese Windows",
        {"prompt.txt": "海边的猫".encode("gbk"), "cat.png": CAT},
        tasks=1,
        fields={"prompt": "海边的猫"},
        is_end_to_end=True,
    ),
    # Encodings and JSON.
    Row("UTF-16 with a mark", "PowerShell 5: >", {"cat.png": CAT, "job.json": CHINESE.encode("utf-16")}, tasks=1),
    Row("UTF-16 without a mark", "editors", {"cat.png": CAT, "job.json": CHINESE.encode("utf-16-le")}, tasks=1),
    Row("UTF-8 with a mark", "Notepad", {"cat.png": CAT, "job.json": CHINESE.encode("utf-8-sig")}, tasks=1),
    Row(
        "GBK",
        "Notepad, Chinese Windows",
        {"cat.png": CAT, "job.json": CHINESE.encode("gbk")},
        tasks=1,
        fields={"prompt": "海边的猫"},
        is_end_to_end=True,
    ),
    Row("Windows-1252", "Notepad", {"job.json": '{"prompt": "cafés"}'.encode("cp1252")}, says="save it as UTF-8"),
    Row("a comment", "JSON5 habits", {"job.json": b'{\n  "n": 1 // one\n}'}, says="a comment", is_end_to_end=True),
    Row(
        "a trailing comma", "JavaScript habits", {"job.json": b'{"n": 1,}'}, says="a trailing comma at line 1, column 9"
    ),
    Row("curly quotes", "Word, TextEdit", {"job.json": "{“n”: 1}".encode()}, says="“ in place of a straight"),
    Row("full-width colon", "Chinese keyboards", {"job.json": '{"n"：1}'.encode()}, says="the full-width ："),
    Row("a path of Windows", "Copy as path", {"job.json": b'{"scene_image": "C:\\Users\\me"}'}, says="writes twice"),
    Row("half a surrogate pair", "a cut emoji", {"job.json": b'{"prompt": "\\ud83d"}'}, says="hex escape"),
    # Names.
    Row(
        "a name in NFD",
        "macOS",
        {unicodedata.normalize("NFD", "café.png"): CAT, "job.json": _job(unicodedata.normalize("NFC", "café.png"))},
        tasks=1,
        is_end_to_end=True,
    ),
    Row(
        "a name in NFC",
        "Windows",
        {unicodedata.normalize("NFC", "café.png"): CAT, "job.json": _job(unicodedata.normalize("NFD", "café.png"))},
        tasks=1,
    ),
    Row("a name with ./", "shells", {"cat.png": CAT, "job.json": _job("./cat.png")}, tasks=1),
    Row("a backslash", "Windows", {"sub/cat.png": CAT, "job.json": _job("sub\\cat.png")}, tasks=1, is_end_to_end=True),
    Row("another case", "cameras write .JPG", {"cat.PNG": CAT, "job.json": _job("cat.png")}, tasks=1),
    Row("a name outside", "Copy as path", {"job.json": _job("C:\\Users\\me\\cat.png")}, says="within its folder"),
]
