"""What the translation benchmark hands to the translators."""

from benchmarks import translation
from benchmarks.common import prompt_table

ROWS = [
    {"instruction": "Count to two. Then stop.", "input": "", "output": "One, two."},
    {"instruction": "Count to two. Then stop.", "input": "In words.", "output": "One, two."},
]


def test_every_sentence_once_or_in_file_order() -> None:
    table = prompt_table(ROWS, translation.SOURCE)
    first = ["Count to two.", "Then stop.", "One, two."]
    assert sorted(translation._sentences(table)) == sorted([*first, "In words."])
    given = translation._sentences(table, distinct=False)
    assert sorted(given) == sorted([*first, *first, "In words."])
