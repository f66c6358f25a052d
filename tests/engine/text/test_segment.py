import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Translate
from polydistill.engine.languages import languages
from polydistill.engine.text.code_lines import code_lines
from polydistill.engine.text.segment import GAP, KEEP, SENTENCE, halves, segment
from polydistill.engine.translation.stage import TranslateStage
from polydistill.engine.translation.translator import Hypothesis
from tests.engine.translation.stand_in import Each


def sentences(text, language="eng_Latn"):
    return [piece.text for piece in segment(text, language) if piece.kind == SENTENCE]


# Text made of the things that layouts are made of.
BITS = [
    "Hello there. ",
    "Is it? ",
    "\n",
    "\r\n",
    "\n\n",
    "- ",
    "1. ",
    "| a | b |",
    "```",
    "`x`",
    "$$",
    "{name}",
    "    ",
]
BITS += [
    "\t",
    "<b>",
    "x = 5;",
    "http://a.b/c.",
    "今日は。明日も。",
    "สวัสดี ครับ",
    "।",
    "\u2028",
    "# ",
    "> ",
    "\\begin{a}",
    "...",
]


@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(BITS), max_size=40).map("".join)))
def test_pieces_joined_are_the_text(text):
    for language in ("eng_Latn", "jpn_Jpan", "khm_Khmr"):
        pieces = segment(text, language)
        assert "".join(piece.text for piece in pieces) == text
        for piece in pieces:
            assert piece.text == piece.text.strip() or piece.kind != SENTENCE
            assert "\n" not in piece.text or piece.kind == KEEP


def test_every_flores_language_is_cut():
    for entry in languages():
        assert "".join(piece.text for piece in segment("One. Two!", entry.code)) == "One. Two!"


def test_paragraphs_lists_and_headings():
    text = "# Plan\n\nFirst we go. Then we rest.\n\n- Pack a bag\n  * Take water!\n"
    text += "1. Walk (slowly).\n2) Sleep\n> Quoted text.\n"
    assert sentences(text) == [
        *(
            "Plan",
            "First we go.",
            "Then we rest.",
            "Pack a bag",
            "Take water!",
            "Walk (slowly).",
            "Sleep",
            "Quoted text.",
        )
    ]
    kept = [piece.text for piece in segment(text, "eng_Latn") if piece.kind == KEEP]
    assert kept == ["# ", "\n", "\n", "\n", "\n", "- ", "\n", "  * ", "\n", "1. ", "\n", "2) ", "\n", "> ", "\n"]


def test_bold_labels_keep_their_stars():
    pieces = segment("1. **First step:** Wash your hands. Dry them.\n**Done**", "eng_Latn")
    assert [piece.text for piece in pieces if piece.kind == SENTENCE] == [
        *("First step:", "Wash your hands.", "Dry them.", "Done"),
    ]
    assert [piece.text for piece in pieces if piece.kind == KEEP] == ["1. **", "** ", "\n", "**", "**"]


def test_tables_are_translated_cell_by_cell():
    text = "| Name | Age |\n|------|-----|\n| Ann  | 30 years |\n\nPlain a | b line"
    assert sentences(text) == ["Name", "Age", "Ann", "30 years", "Plain a | b line"]
    assert sentences("Person | Sleep\n-------|------\nA | six hours") == ["Person", "Sleep", "six hours"]
    assert sentences("Apples\tRed fruit\t5") == ["Apples", "Red fruit"]


def test_fenced_code_and_displayed_latex_are_kept():
    text = "Run this:\n```python\nprint('Hello world.')\n```\nThen:\n$$\nE = mc^2\n$$\nDone. \\[ a \\] Good."
    assert sentences(text) == ["Run this:", "Then:", "Done.", "Good."]
    assert sentences("An answer that was cut:\n```\nfor all x:\n  go on") == ["An answer that was cut:"]


@pytest.mark.parametrize(
    "code",
    [
        "def add(a, b):\n    # Add the two numbers\n    return a + b",
        "for (int i = 0; i < 10; i++) {\n  System.out.println(i);\n}",
        "SELECT name FROM students\nWHERE grade > 5\nORDER BY name",
        "import random\n\nnumbers = [i for i in range(1,11)]\nrandom.shuffle(numbers)",
        "with open('a.txt', 'r') as f:\n    text = f.read()",
        "void print_all(int n)\n{\n  puts(n);\n}",
        "body {\n  color: red;\n}",
        '{\n  "name": "John Smith",\n  "age": 30\n}',
    ],
)
def test_unfenced_code_is_kept(code):
    assert sentences(f"Here is the code.\n\n{code}\n\nIt does what you want.") == [
        "Here is the code.",
        "It does what you want.",
    ]


@pytest.mark.parametrize(
    "prose",
    [
        "If you want to go, do it.",
        "The area of a rectangle = length x width",
        "Select the best answer from the following:",
        "Improved decision-making;",
        "See [our guide](https://example.com) for more.",
        "From time to time, we meet.",
        "Print the page.",
        "# Results",
        "While it rains: stay inside.",
        "Photosynthesis (the process) needs light.",
    ],
)
def test_prose_is_not_code(prose):
    assert code_lines([prose]) == [False]
    assert sentences(prose)


def test_languages_without_spaces():
    assert sentences("今日は良い天気です。散歩に行きましょう！", "jpn_Jpan") == [
        "今日は良い天気です。",
        "散歩に行きましょう！",
    ]
    assert sentences("你好。今天天气很好！", "zho_Hans") == ["你好。", "今天天气很好！"]
    assert sentences("សួស្តី។ តើអ្នកសុខសប្បាយទេ?", "khm_Khmr") == ["សួស្តី។", "តើអ្នកសុខសប្បាយទេ?"]
    assert sentences("यह है। वह है।", "hin_Deva") == ["यह है।", "वह है।"]


def test_full_stops_in_spans_end_no_sentence():
    text = "Open https://example.com/a.B now. Mail me@a.org. Use main.py."
    assert sentences(text) == ["Open https://example.com/a.B now.", "Mail me@a.org.", "Use main.py."]


@pytest.mark.parametrize(
    "text", ["42", "$1,000.50", "---", "B)", "Q2.", "https://example.com", "`x` + `y`", "(a)", "😀"]
)
def test_nothing_to_translate(text):
    assert sentences(text) == []


def test_gaps_are_told_from_other_white_space():
    kinds = [(piece.text, piece.kind) for piece in segment("One. Two.\nThree. ", "eng_Latn")]
    assert kinds == [("One.", 1), (" ", GAP), ("Two.", 1), ("\n", KEEP), ("Three.", 1), (" ", KEEP)]


@given(st.text(min_size=2, max_size=200))
def test_halves_lose_nothing(text):
    left, gap, right = halves(text)
    assert left + gap + right == text and left and right
    assert not gap.strip()


def test_halves_prefer_safe_points():
    long = "we went to the market, bought bread and milk; then we came home and ate it"
    assert halves(long) == ("we went to the market, bought bread and milk;", " ", "then we came home and ate it")
    assert halves("a b c d") in [("a b", " ", "c d"), ("a", " ", "b c d")]
    assert halves("東京都は日本の首都である、人口が多い都市だ") == (
        "東京都は日本の首都である、",
        "",
        "人口が多い都市だ",
    )
    for length in range(2, 9):
        assert halves("e\u0301" * length)[2][0] == "e"


@pytest.mark.data
def test_real_rows_are_whole_and_their_code_is_kept(data: Path):
    with gzip.open(data / "alpaca" / "alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        outputs = [json.loads(line)["output"] for line in file][:6000]
    for text in outputs:
        assert "".join(piece.text for piece in segment(text, "eng_Latn")) == text
    code = [text for text in outputs if text.startswith(("def ", "SELECT ", "import ", "function "))]
    assert len(code) > 30
    untouched = [
        text
        for text in code
        if not any(piece.text in text.split("\n")[0] for piece in segment(text, "eng_Latn") if piece.kind == SENTENCE)
    ]
    assert len(untouched) >= 0.97 * len(code)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["a", "a.", "<a ", "`a", "$a", "if (", "今。", "a(", "%s", "{a ", "/a", "a\t", "\\a{"])
def test_a_hundred_thousand_characters_take_no_minutes(unit):
    text = (unit * 100_000)[:100_000]
    assert "".join(piece.text for piece in segment(text, "jpn_Jpan")) == text


ATOMS = [
    *(
        "a/b/",
        "`",
        "`` ` ",
        "```",
        "~~~",
        "\\[",
        "\\(",
        "\\a[",
        "\\a{",
        "<!--",
        "<script>",
        "<a b ",
        "<a b=",
        "$$",
        "$a ",
    ),
    *(
        "-/",
        "/a",
        "~/",
        "../",
        "a.b.",
        "a@",
        "{",
        "{a ",
        "|",
        "\u00a0|",
        "\u00a0",
        "http://.",
        "www.a",
        "**a",
        "[1]",
        "[x](",
    ),
    *(
        "a\\",
        "C:\\a\\",
        "(",
        "a(",
        "x = a(",
        '{"a": ',
        "SELECT FROM ",
        "\\begin{a}",
        "😀",
        "\\v 1 ",
        "。",
        "A. ",
        "{x}",
        "`x` ",
    ),
]


@pytest.mark.parametrize("atom", ATOMS)
def test_any_text_takes_linear_time(atom):
    texts = [atom * (32_000 // len(atom)), f"{atom}\n" * (32_000 // (len(atom) + 1)), f"a/b.py {atom * 8000}"]
    for text in texts:
        started = time.thread_time()  # other tests may have left threads that work
        pieces = segment(text, "eng_Latn")
        assert time.thread_time() - started < 1  # a quadratic pattern takes 5 to 30 s, a linear one 0.1 s
        assert "".join(piece.text for piece in pieces) == text


def shouted(sentence: str) -> Hypothesis:
    """The sentence as it is, and two next best ones that shout in their own ways."""
    return Hypothesis(sentence, (), (Hypothesis(sentence.upper()), Hypothesis(sentence.swapcase())))


def outside_spans(text: str, change: Callable[[str], str]) -> str:
    """A text whose sentences are changed outside of their protected spans."""
    parts = []
    for piece in segment(text, "eng_Latn"):
        end = 0
        for start, stop in piece.spans if piece.kind == SENTENCE else ():
            parts += [change(piece.text[end:start]), piece.text[start:stop]]
            end = stop
        parts.append(change(piece.text[end:]) if piece.kind == SENTENCE else piece.text)
    return "".join(parts)


@pytest.mark.data
@pytest.mark.parametrize("step", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_28203_alpaca_texts_come_back_as_they_were(data: Path, table_of, step: int):
    """Alpaca rows through a translator that gives sentences back: every byte is the same.

    So it is for its next best hypotheses outside of sentences and in their protected spans.
    """
    with gzip.open(data / "alpaca" / "alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert len(rows) == 28_203
    fields = (text for row in rows[::step] for text in (row["instruction"], row["input"], row["output"]) if text)
    texts = list(dict.fromkeys(fields))
    stage = TranslateStage(Translate(model="-", hypotheses=3), translator=Each(shouted))
    made = stage(table_of(*texts), ["deu_Latn"])
    assert made["mt_truth"].to_pylist() == texts
    assert set(map(tuple, made["notes_truth"].to_pylist())) == {()}
    for text, others in zip(texts, made["others_truth"].to_pylist()):
        wanted = dict.fromkeys(outside_spans(text, change) for change in (str.upper, str.swapcase))
        assert [other["text"] for other in others] == [own for own in wanted if own != text]
