"""Words of texts as bytes of the whole, outside of what nothing may change."""

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.text.words import find_words, protected

PIECES = [
    "house",
    "Tür",
    "don't",
    " ",
    ", ",
    "日本",
    "\n",
    "`code x`",
    "https://a.example/b",
    "{name}",
    "42",
    "нет",
    "-",
]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), max_size=5)


def listed(texts: list[str], language: str = "eng_Latn") -> list[list[str]]:
    """The words of each text."""
    found = find_words(pa.array(texts, pa.string()), language)
    rows: list[list[str]] = [[] for _ in texts]
    for start, end, row in zip(found.start, found.end, found.row):
        rows[row].append(bytes(found.data[start:end]).decode())
    return rows


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("The house, the House.", "eng_Latn", ["The", "house", "the", "House"]),
        ("don't, well-known 'quoted' -x-", "eng_Latn", ["don't", "well-known", "quoted", "x"]),
        ("l’été à Zürich", "fra_Latn", ["l’été", "à", "Zürich"]),
        ("می‌روم خانه", "pes_Arab", ["می‌روم", "خانه"]),  # a joiner inside the word
        ("हिन्दी में", "hin_Deva", ["हिन्दी", "में"]),  # marks belong to letters
        ("See `x y` at https://a.example/b now", "eng_Latn", ["See", "at", "now"]),
        ("```\nhouse\n```\nhouse", "eng_Latn", ["house"]),
        ("", "eng_Latn", []),
        ("... !?", "eng_Latn", []),
    ],
)
def test_words(text: str, language: str, words: list[str]) -> None:
    assert listed([text], language) == [words]


def test_languages_without_spaces_are_cut_by_a_dictionary() -> None:
    (words,) = listed(["私は東京に住んでいます"], "jpn_Jpan")
    assert "東京" in words and "".join(words) == "私は東京に住んでいます" and len(words) > 3
    assert find_words(pa.array(["今日"]), "jpn_Jpan").unspaced and not find_words(pa.array(["a"]), "eng_Latn").unspaced


@given(TEXTS)
def test_each_text_has_the_words_that_it_has_alone(texts: list[str]) -> None:
    assert listed(texts) == [listed([text])[0] for text in texts]


@given(TEXTS, st.sampled_from(["eng_Latn", "jpn_Jpan"]))
def test_words_are_in_order_inside_their_text_and_overlap_no_protected_span(texts: list[str], language: str) -> None:
    found = find_words(pa.array(texts, pa.string()), language)
    assert (found.start < found.end).all() and (found.end[:-1] <= found.start[1:]).all()
    assert (found.offsets[found.row] <= found.start).all() and (found.end <= found.offsets[found.row + 1]).all()
    assert (found.piece[:-1] <= found.piece[1:]).all()
    for row, text in enumerate(texts):
        base = int(found.offsets[row])
        spans = [(base + len(text[:a].encode()), base + len(text[:b].encode())) for a, b in protected(text)]
        own = [(s, e, p) for s, e, r, p in zip(found.start, found.end, found.row, found.piece) if r == row]
        assert not any(start < b and a < end for start, end, _ in own for a, b in spans)
        for (_, left, before), (right, _, after) in pairwise(own):  # a phrase never reaches over a span
            assert (before != after) == any(left <= a < b <= right for a, b in spans)


def test_a_part_of_a_column_gives_the_words_of_its_texts_only() -> None:
    column = pa.array(["one two", "drei", "four `x` five"]).slice(1)
    found = find_words(column, "eng_Latn")
    assert [bytes(found.data[a:b]).decode() for a, b in zip(found.start, found.end)] == ["drei", "four", "five"]
    assert found.row.tolist() == [0, 1, 1] and len(set(found.piece.tolist())) == 3


@given(st.lists(st.sampled_from([*PIECES, "```", "~~~", "$$", "def f(x):", "print(x)"]), max_size=10).map("".join))
def test_protected_spans_stand_in_order_without_overlap(text: str) -> None:
    spans = list(protected(text))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
