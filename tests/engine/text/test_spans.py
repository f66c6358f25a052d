import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.text.spans import find, mask, missing, numbers_lost, restore


def spans(text):
    return [text[start:stop] for start, stop in find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use `print(x)` or ``a ` b``.", ["`print(x)`", "``a ` b``"]),
        ("See https://example.com/a?b=1#c, then go.", ["https://example.com/a?b=1#c"]),
        ("(www.example.org/path)", ["www.example.org/path"]),
        ("Shop at Amazon.com today", ["Amazon.com"]),
        ("Write to jane.doe+x@mail.example.org.", ["jane.doe+x@mail.example.org"]),
        ("The root of $x^2 + 1$ is \\(i\\), \\frac{1}{2}.", ["$x^2 + 1$", "\\(i\\)", "\\frac{1}{2}"]),
        ("It costs $5 and not $10.", []),
        ("Let $n$ be even", ["$n$"]),
        ("Dear {name}, your {{ order.id }} costs ${price}", ["{name}", "{{ order.id }}", "${price}"]),
        ("%s of %d, %(name)s, but 50% discount", ["%s", "%d", "%(name)s"]),
        ('A <b>bold</b> <a href="x">link</a><br/>', ["<b>", "</b>", '<a href="x">', "</a>", "<br/>"]),
        ("a < b and c > d", []),
        ("Tom &amp; Jerry &#39;", ["&amp;", "&#39;"]),
        ("Open src/main.py and notes.txt, e.g. today.", ["src/main.py", "notes.txt"]),
        ("/usr/local/bin/python and C:\\Users\\me\\file", ["/usr/local/bin/python", "C:\\Users\\me\\file"]),
        ("and/or, 24/7, his/her", []),
        ("ファイルmain.pyを開いて、https://example.jp/aを見る。", ["main.py", "https://example.jp/a"]),
        ("https://ru.wikipedia.org/wiki/Москва.", ["https://ru.wikipedia.org/wiki/Москва"]),
        ("Node.js is fun. It works.", ["Node.js"]),
        ("No spans here. Really none!", []),
        ("I love it 😀👍🏽, really 👩‍👩‍👧 🇩🇪 1️⃣!", ["😀👍🏽", "👩‍👩‍👧", "🇩🇪", "1️⃣"]),
        ("Press \ue000 now", ["\ue000"]),
        ("\\v 1 In the beginning \\add God\\add* made", ["\\v 1", "\\add", "\\add*"]),
        ("5 * 3 # 2 and 10", []),
        ("see \\www.example.com", ["www.example.com"]),
    ],
)
def test_spans(text, expected):
    assert spans(text) == expected


@given(st.text(alphabet="ab `{}<>[]123$./@\\", max_size=60))
def test_masked_and_restored_is_the_text(text):
    masked, marks = mask(text, find(text))
    assert restore(masked, marks) == text or any(masked.count(mark) != 1 for mark, _ in marks)


def test_marks_do_not_collide_with_the_text():
    masked, marks = mask("See [1] and `x`.", [(12, 15)])
    assert masked == "See [1] and [2]." and marks == [("[2]", "`x`")]
    assert restore("[1] und [2] sehen.", marks) == "[1] und `x` sehen."


def test_marks_as_models_write_them():
    marks = [("[1]", "`a`"), ("[2]", "`b`")]
    assert restore("まず［２］、次に【 1 】。", marks) == "まず`b`、次に`a`。"
    assert restore("nur [1]", marks) is None
    assert restore("[1] [2] [2]", marks) is None


def test_spans_that_look_like_marks_are_put_back_once():
    masked, marks = mask("`[2]` and `b`", find("`[2]` and `b`"))
    assert restore(masked, marks) == "`[2]` and `b`"


def test_missing_counts():
    assert missing(["<b>", "<b>"], "one <b> only")
    assert not missing(["<b>", "</b>"], "<b>x</b>")


@pytest.mark.parametrize(
    ("source", "hypothesis", "lost"),
    [
        ("It costs 1,000.50 dollars", "Es kostet 1.000,50 Dollar", False),
        ("It costs 1,000 dollars", "Es kostet 1 000 Dollar", False),
        ("In 1990 there were 12", "1990 gab es zwölf", True),
        ("Version 3.5", "الإصدار ٣٫٥", False),
        ("Add 3 and 3", "Addiere 3", True),
        ("2 cats", "2匹の猫", False),
        ("1,2,3 and 4", "1, 2, 3 und 4", False),
        ("In 1990 200 people came", "1990 kamen 200 Leute", False),
        ("Born in 1990", "1909 geboren", True),
        ("no numbers", "keine 5", False),
    ],
)
def test_numbers(source, hypothesis, lost):
    assert numbers_lost(source, hypothesis) is lost
