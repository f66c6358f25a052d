"""The student: sampling, and servers that answer in its place."""

import pytest

from polydistill.engine.config import Student, validate
from polydistill.engine.errors import UserError


def test_an_endpoint_may_be_its_address():
    student = validate(Student, {"model": "m", "endpoint": "http://host:8000/v1/"}, "student")
    assert student.endpoint is not None and student.endpoint.url == "http://host:8000/v1"


@pytest.mark.parametrize("url", ["host:8000/v1", "http://me:key@host/v1", "ftp://host/v1"])
def test_other_addresses(url):
    with pytest.raises(UserError) as error:
        validate(Student, {"model": "m", "endpoint": {"url": url}}, "student")
    assert "endpoint.url" in str(error.value)


def test_a_key_in_place_of_its_name_is_refused_and_not_shown():
    with pytest.raises(UserError, match="name of an environment variable") as error:
        validate(Student, {"model": "m", "endpoint": {"url": "http://h/v1", "key": "sk-12ab"}}, "student")
    assert "sk-12ab" not in str(error.value)


def test_secrets_in_engine_arguments_are_refused_and_not_shown():
    with pytest.raises(UserError, match="engine") as error:
        validate(Student, {"model": "m", "engine": {"hf_token": "hf_Abc123"}}, "student")
    assert "hf_Abc123" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 2}, "needs `temperature` above 0"),
        ({"select": "logprob"}, "needs `samples` above 1"),
        ({"select": "agreement", "temperature": 1}, "needs `samples` above 1"),
    ],
)
def test_a_choice_needs_something_to_choose_from(settings, message):
    with pytest.raises(UserError, match=message):
        validate(Student, {"model": "m"} | settings, "student")
