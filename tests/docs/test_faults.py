"""docs/faults.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/faults.md").read_text(encoding="utf-8")


def test_every_fault_has_tests_that_exist() -> None:
    rows = re.findall(r"^\| N(\d+) \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 18))
    for _, fault, tests in rows:
        files = re.findall(r"`(tests/[\w/]+\.py)`", tests)
        assert files, fault
        text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
        for name in re.findall(r"`(test_\w+)`", tests):
            assert f"def {name}(" in text, name


def test_commands_name_files_that_exist() -> None:
    for file in re.findall(r"tests/[\w/]+\.py", PAGE):
        assert (ROOT / file).is_file(), file
