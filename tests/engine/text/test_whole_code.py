import pytest

from polydistill.engine.text.code_lines import code_lines
from polydistill.engine.text.segment import KEEP, segment
from polydistill.engine.text.whole_code import whole_code


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Anna", "hobbies": ["reading"]}',
        '[\n  "pear",\n  "apple"\n]',
        "SELECT name\nFROM countries\nWHERE continent = 'Africa'",
        "select * from users where age > 5;",
        "CREATE TABLE users(\n  id INT\n);",
        "x = 5",
        "df = pd.read_csv('a.csv')",
        'sentence = "Welcome to Python"',
        "y = x^3 + 7x",
    ],
)
def test_code(text):
    assert whole_code(text)
    assert [piece.kind for piece in segment(f" {text}\n", "eng_Latn")] == [KEEP]


@pytest.mark.parametrize(
    "text",
    [
        '"Carpe diem": Seize the day.',
        "WHERE TO EAT",
        "CREATE YOUR OWN PIZZA",
        "Select a book from the shelf;",
        "SELECT YOUR SEAT FROM THE PLAN.",
        "我喜欢吃苹果(红色的)",
        "* **Fox**\n* **Dog**",
        "Fabulously = Magnificently",
        "Variance = 11.3333",
        "Answer = the dog runs home",
        "[1]",
        "[Your name]",
        "{not json} at all",
        "apple(s)",
        "",
    ],
)
def test_prose(text):
    assert not whole_code(text)
    assert not any(code_lines(text.split("\n")))
