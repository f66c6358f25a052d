"""The generated pages are those of the code at hand."""

import importlib.util
import json
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


@pytest.mark.parametrize("name", ["api.md", "config.md", "run.schema.json"])
def test_the_page_is_current(pages, name):
    assert (DOCS / name).read_text(encoding="utf-8") == pages[name], f"docs/{name}: run `python docs/generate.py`"


def test_every_setting_is_described(pages):
    rows = [line for line in pages["config.md"].splitlines() if line.startswith("| `")]
    assert len(rows) > 120
    assert not [row for row in rows if row.endswith("|  |") and "section" not in row]


def test_the_schema_knows_every_section(pages):
    schema = json.loads(pages["run.schema.json"])
    assert {"output", "student", "translate", "judge", "train", "eval"} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False


def test_every_setting_of_the_schema_is_in_the_page_with_its_description(pages):
    schema = json.loads(pages["run.schema.json"])
    sections = [schema, *schema["$defs"].values()]
    settings = [(name, value) for section in sections for name, value in section.get("properties", {}).items()]
    rows = [line for line in pages["config.md"].splitlines() if line.startswith("| `")]
    named = {line.split("`")[1] for line in rows}
    assert len(settings) > 200
    assert {name for name, _ in settings} <= named
    assert not [name for name, value in settings if not value.get("description") and "$ref" not in value]
