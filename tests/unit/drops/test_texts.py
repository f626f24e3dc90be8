"""The encodings that editors save a job file in, and the messages about what is wrong with its JSON."""

from __future__ import annotations

import json

import pytest

from kiln.drops.texts import json_of, text_of
from kiln.errors import MalformedRequest

JOB = '{"prompt": "海边的猫，café ☕"}'
CHINESE = '{"prompt": "海边的猫，在下雨"}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
@pytest.mark.parametrize("text", [CHINESE, CHINESE.replace(" ", "\r\n\t")], ids=["plain", "lines"])
def test_job_in_the_encoding_of_an_editor_is_read(encoding, text):
    assert json_of("job.json", text.encode(encoding)) == json.loads(CHINESE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_job_in_any_script_is_read_as_unicode(encoding):
    assert json_of("job.json", JOB.encode(encoding)) == json.loads(JOB)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"prompt": "cafés"}'.encode("cp1252"), "another encoding"),
        ('{"prompt": "naïve façade"}'.encode("cp1252"), ""),
        ('{"prompt": "猫が"}'.encode("shift_jis"), ""),
        (b'{"prompt": "\xff"}', "bytes that are none of these"),
        ("猫".encode("utf-16")[:-1], "utf-16 that breaks off at byte 2"),
    ],
)
def test_other_encoding_is_refused_and_not_guessed(content, found):
    with pytest.raises(MalformedRequest, match=f"must be text in UTF-8, UTF-16 or GB18030, got .*{found}.*save it as"):
        json_of("job.json", content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "n": 1, // how many\n}', "a comment, which JSON does not have, at line 2, column 11"),
        ('# mine\n{"n": 1}', "a comment, which JSON does not have, at line 1, column 1"),
        ('{"n": 1 /* one */}', "a comment, which JSON does not have, at line 1, column 9"),
        ('{"prompt": "猫猫",\n}', "a trailing comma at line 2, column 1"),
        ("[1,2,]", "a trailing comma at line 1, column 6"),
        ("{'n': 1}", "' in place of a straight double quote at line 1, column 2"),
        ("{“n”: 1}", "“ in place of a straight double quote at line 1, column 2"),
        ('{"猫"：1}', "the full-width ： at line 1, column 5"),
        ('{"a": "C:\\Users"}', "a backslash, which JSON writes twice, at line 1, column 11"),
        ('{"a": 1}\n{"b": 2}', "more text behind the end at line 2, column 1"),
        ('{"a": 1', "an unexpected end at line 1, column 7"),
        ("", "an empty file at line 1, column 1"),
    ],
)
def test_message_has_the_line_the_column_and_a_word_for_it(text, message):
    with pytest.raises(MalformedRequest) as refused:
        json_of("job.json", text.encode())
    assert refused.value.message == f"job.json: must be JSON, got {message}"


def test_text_over_1_mib_is_refused():
    with pytest.raises(MalformedRequest, match="must be at most 1048576 bytes"):
        text_of("prompt.txt", b" " * (1024 * 1024 + 1))
