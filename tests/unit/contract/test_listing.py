"""The list's query parameters: defaults, limits, and how a refusal reads."""

from __future__ import annotations

import pytest

from kiln.contract import ListQuery
from kiln.errors import InvalidRequest


@pytest.mark.parametrize("parameters", [{}, {"pageNum": "", "pageSize": ""}, {"page": "7"}])
def test_missing_parameters_mean_page_1_of_30(parameters):
    assert ListQuery.parse(parameters) == ListQuery(page_num=1, page_size=30)


@pytest.mark.parametrize(("num", "size"), [(1, 1), (1_000, 500), (17, 30)])
def test_values_at_the_limits_are_accepted(num, size):
    query = ListQuery.parse({"pageNum": str(num), "pageSize": str(size)})
    assert (query.page_num, query.page_size) == (num, size)


def test_empty_filters_are_ignored():
    query = ListQuery.parse({"task_status": "failed", "created_after": "1", "created_before": ""})
    assert (query.task_status, query.created_after, query.created_before) == ("failed", 1, None)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pageNum": "0"}, "pageNum: must be at least 1, got '0'"),
        ({"pageNum": "1001"}, "pageNum: must be at most 1000, got '1001'"),
        ({"pageNum": "one"}, "pageNum: must be an integer, got 'one'"),
        ({"pageSize": "0"}, "pageSize: must be at least 1, got '0'"),
        ({"pageSize": "501"}, "pageSize: must be at most 500, got '501'"),
        ({"pageSize": "2.5"}, "pageSize: must be an integer, got '2.5'"),
        (
            {"task_status": "done"},
            "task_status: must be one of 'submitted', 'processing', 'succeed' or 'failed', got 'done'",
        ),
        ({"created_after": "-1"}, "created_after: must be at least 0, got '-1'"),
        ({"created_before": "today"}, "created_before: must be an integer, got 'today'"),
    ],
)
def test_refusal_names_the_parameter_the_limit_and_the_value(parameters, message):
    with pytest.raises(InvalidRequest) as refused:
        ListQuery.parse(parameters)
    assert refused.value.message == message
