"""Languages by any name, and sections that cannot change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from polydistill.engine.config.base import Config, LanguageCode, LanguageCodes

ONE, SEVERAL = TypeAdapter(LanguageCode), TypeAdapter(LanguageCodes)


@pytest.mark.parametrize("name", ["de", "German", "deu_Latn"])
def test_a_language_is_kept_as_its_code(name):
    assert ONE.validate_python(name) == "deu_Latn"


@given(st.lists(st.sampled_from(["de", "ja", "German", "ind_Latn"])))
def test_a_list_and_its_text_are_the_same_languages_each_once(names):
    codes = SEVERAL.validate_python(names)
    assert codes == SEVERAL.validate_python(", ".join(names)) == SEVERAL.validate_python(codes)
    assert len(set(codes)) == len(codes) == len({ONE.validate_python(name) for name in names})


def test_unknown_keys_and_changes_are_errors():
    class Section(Config):
        beam: int = 1

    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Section(beem=2)
    with pytest.raises(ValidationError, match="frozen"):
        Section().beam = 2


@pytest.mark.parametrize("value", ["s3://name:secret@bucket/run", ["a.json", "https://me:pass@host/b.json"]])
def test_credentials_in_a_location_are_refused_and_not_shown(value):
    class Section(Config):
        path: str | list[str]

    with pytest.raises(ValidationError) as error:
        Section(path=value)
    assert [item["type"] for item in error.value.errors()] == ["secret"]
    assert "secret@" not in error.value.errors()[0]["msg"] and "me:pass" not in error.value.errors()[0]["msg"]
