import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Translate
from polydistill.engine.errors import UserError
from polydistill.engine.schema import TRANSLATED
from polydistill.engine.text.code_lines import code_lines
from polydistill.engine.text.segment import KEEP, SENTENCE, segment
from polydistill.engine.text.spans import find
from polydistill.engine.translation.stage import TranslateStage
from polydistill.engine.translation.translator import Hypothesis, error
from tests.engine.translation.stand_in import Each, identity

CONFIG = Translate(model="replaced by a stand-in")


@pytest.fixture(autouse=True, scope="module")
def _table(table_of):
    global table
    table = table_of


def translate(text, translator, target="deu_Latn", **columns):
    result = TranslateStage(CONFIG, translator=translator)(table(text, **columns), [target])
    return result["mt_truth"][0].as_py(), result["notes_truth"][0].as_py()


def test_rows_times_targets_in_order():
    class Named(Each):
        def __call__(self, sentences, sources, targets):
            return [Hypothesis(f"{target}|{sentence}") for sentence, target in zip(sentences, targets)]

    rows = table("One", "Two", self=["Mine", None], input=["", "More"])
    result = TranslateStage(CONFIG, translator=Named(str))(rows, ["de", "Japanese"])
    assert result.schema.equals(TRANSLATED)
    assert result["target"].to_pylist() == ["deu_Latn", "deu_Latn", "jpn_Jpan", "jpn_Jpan"]
    assert result["mt_truth"].to_pylist() == ["deu_Latn|One", "deu_Latn|Two", "jpn_Jpan|One", "jpn_Jpan|Two"]
    assert result["mt_input"].to_pylist() == [None, "deu_Latn|More", None, "jpn_Jpan|More"]
    assert result["mt_self"].to_pylist() == ["deu_Latn|Mine", None, "jpn_Jpan|Mine", None]
    assert result["notes_self"].to_pylist() == [[], None, [], None]
    assert result["truth"].to_pylist() == ["One", "Two"] * 2


def test_zero_rows_and_zero_targets():
    assert TranslateStage(CONFIG, translator=identity)(table(), ["de"]).schema.equals(TRANSLATED)
    assert TranslateStage(CONFIG, translator=identity)(table("x"), []).num_rows == 0


def test_distinct_sentences_are_translated_once_per_language():
    translator = Each(str)
    rows = table("Yes. No.", "No. Yes.", "Yes.", source=["eng_Latn", "eng_Latn", "fra_Latn"])
    TranslateStage(CONFIG, translator=translator)(rows, ["de", "ja"])
    # Yes. No. Do it. in English; Yes. Do it. in French
    assert len(translator.asked) == len(set(translator.asked)) == 2 * (3 + 2)


def test_a_row_in_the_target_language_is_given_back():
    rows = table("Use `x`. Now.", "Use `x`. Now.", source=["eng_Latn", "deu_Latn"])
    result = TranslateStage(CONFIG, translator=Each(str.upper))(rows, ["de"])
    assert result["mt_truth"].to_pylist() == ["USE `x`. NOW.", "Use `x`. Now."]


def test_spaces_between_sentences_follow_the_language():
    assert translate("One. Two.\nThree.", identity, "jpn_Jpan")[0] == "One.Two.\nThree."
    assert translate("一。二。", identity, "eng_Latn", source="jpn_Jpan")[0] == "一。 二。"
    assert translate("一。二。", identity, "zho_Hans", source="jpn_Jpan")[0] == "一。二。"


def with_marks(text, change):
    """Text with each mark changed."""
    return re.sub(r"\[\d+\]", lambda match: change(match[0]), text)


def upper_but(change):
    """A translator that shouts and changes each mark."""
    return Each(lambda text: with_marks(text.upper(), change))


def test_spans_come_back_in_place():
    text = "Call `f(x)` for {name}, see https://a.org/b."
    assert translate(text, upper_but(lambda mark: mark)) == ("CALL `f(x)` FOR {name}, SEE https://a.org/b.", [])
    assert (
        translate(text, upper_but(lambda mark: f"【 {mark[1:-1]} 】"))[0]
        == "CALL `f(x)` FOR {name}, SEE https://a.org/b."
    )


@pytest.mark.parametrize("change", [lambda mark: "", lambda mark: mark * 2, lambda mark: "[9]"])
def test_lost_marks_are_mended_and_told(change):
    hypothesis, notes = translate("Call `f(x)` for {name} now.", upper_but(change))
    assert hypothesis == "CALL `f(x)` FOR {name} NOW."
    assert notes == ["span_split"]


def test_lost_numbers_are_told():
    drop = Each(lambda text: text.replace("1990", ""))
    assert translate("In 1990 it began. It ended.", drop)[1] == ["number_lost"]
    assert translate("It costs 1,000.5.", Each(lambda text: "1.000,5"))[1] == []


def test_notes_of_all_sentences_meet_in_the_text():
    notes = {"One.": ("no_end",), "Two.": ("truncated",)}
    noting = Each(lambda text: Hypothesis(text, notes.get(text, ())))
    assert translate("One. Two. Three.", noting) == ("One. Two. Three.", ["truncated", "no_end"])


def test_an_error_costs_the_text_and_no_other():
    failing = Each(lambda text: error("ValueError: no") if text == "Two." else text)
    result = TranslateStage(CONFIG, translator=failing)(table("One. Two.", "Three.", "One."), ["de"])
    assert result["mt_truth"].to_pylist() == [None, "Three.", "One."]
    assert result["notes_truth"].to_pylist() == [["error: ValueError: no"], [], []]


def test_an_empty_hypothesis_is_told():
    assert translate("One. Two.", Each(lambda text: "" if text == "Two." else text))[1] == ["empty"]


def test_unknown_language_is_a_user_error():
    with pytest.raises(UserError, match="klingon"):
        TranslateStage(CONFIG, translator=identity)(table("x"), ["klingon"])


def test_the_real_model_through_the_stage(nllb, conversions):
    config = Translate(model=str(nllb), beam=2, max_output_tokens=24, threads=1)
    stage = TranslateStage(config, cache=conversions)
    rows = table("The cat sat. It rains today.\n- Where is it?", "42", source=["eng_Latn", "ind_Latn"])
    result = stage(rows, ["de", "ja"])
    assert result.schema.equals(TRANSLATED) and result.num_rows == 4
    assert result["mt_truth"].to_pylist()[1::2] == ["42", "42"]  # nothing to translate, nothing to truncate
    assert all(text.count("\n- ") == 1 for text in result["mt_truth"].to_pylist()[::2])
    assert result["notes_truth"].to_pylist() == [["truncated"], [], ["truncated"], []]
    assert stage(rows, ["de", "ja"]).equals(result)
    with pytest.raises(UserError, match="fra_Latn"):
        stage(rows, ["fr"])


def structure(text):
    """What must not change in a text: kept pieces, spans, code, line breaks."""
    pieces = segment(text, "eng_Latn")
    spans = [piece.text[start:stop] for piece in pieces for start, stop in piece.spans]
    return (
        [piece.text for piece in pieces if piece.kind == KEEP],
        spans,
        sum(piece.kind == SENTENCE for piece in pieces),
    )


@given(
    st.lists(
        st.sampled_from(["Use `a b` here. ", "- One\n", "| a | b |\n", "See http://x.org/y, now. ", "\n\n", "{x} [1] "])
    ).map("".join)
)
def test_identity_keeps_every_byte(text):
    for mark in (lambda mark: mark, lambda mark: ""):  # with marks copied, and with marks lost
        hypothesis, _ = translate(text, Each(lambda sentence, mark=mark: with_marks(sentence, mark)))
        assert hypothesis == (text or None) or (mark("x") == "" and "[1]" in text)


@pytest.mark.data
def test_structure_of_300_real_outputs_with_code_lists_and_tables(data: Path):
    with gzip.open(data / "alpaca" / "alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        outputs = [json.loads(line)["output"] for line in file]
    code = [text for text in outputs if sum(code_lines(text.split("\n"))) > 2][:100]
    lists = [text for text in outputs if text.count("\n- ") + text.count("\n2. ") > 1][:80]
    tables = [text for text in outputs if "|" in text or "\t" in text][:60]
    spans = [text for text in outputs if find(text)][:60]
    chosen = list(dict.fromkeys(code + lists + tables + spans))
    chosen += [text for text in outputs if "\n\n" in text and text not in chosen][: max(0, 300 - len(chosen))]
    assert len(chosen) >= 300
    lost = Each(lambda text: with_marks(text, lambda mark: ""))
    for translator in (identity, lost):
        result = TranslateStage(CONFIG, translator=translator)(table(*chosen), ["deu_Latn"])["mt_truth"].to_pylist()
        if translator is identity:
            assert result == chosen
        changed = [text for text, hypothesis in zip(chosen, result) if structure(text) != structure(hypothesis)]
        assert not [text for text in changed if not re.search(r"\[\d+\]", text)]  # a text's own [1] was taken away
    japanese = TranslateStage(CONFIG, translator=identity)(table(*chosen), ["jpn_Jpan"])["mt_truth"].to_pylist()
    assert [text.count("\n") for text in japanese] == [text.count("\n") for text in chosen]


def test_a_trained_model_translates_and_int8_costs_nothing(tiny: Path, conversions):
    sources = (tiny / "eval/flores/devtest/eng_Latn.devtest").read_text(encoding="utf-8").splitlines()
    references = (tiny / "eval/flores/devtest/deu_Latn.devtest").read_text(encoding="utf-8").splitlines()
    exact = {}
    for compute in ("int8", "float32"):
        config = Translate(model=str(tiny / "models/nllb"), compute_type=compute, threads=1)
        result = TranslateStage(config, cache=conversions)(table(*sources), ["deu_Latn"])
        exact[compute] = sum(map(str.__eq__, result["mt_truth"].to_pylist(), references)) / len(references)
        assert not any(set(notes) & {"truncated", "no_end", "empty"} for notes in result["notes_truth"].to_pylist())
    assert exact["int8"] > 0.7
    assert abs(exact["int8"] - exact["float32"]) < 0.05


def test_next_best_hypotheses_become_texts():
    ranked = {
        "One.": Hypothesis("1", (), (Hypothesis("eins"), Hypothesis("ein"))),
        "Use [1].": Hypothesis("[1]!", (), (Hypothesis("lost"), Hypothesis("Nimm [1].", ("truncated",)))),
    }
    config = CONFIG.model_copy(update={"hypotheses": 3})
    stage = TranslateStage(config, translator=Each(lambda text: ranked.get(text, text)))
    result = stage(table("One. Use `x`.", "Use `x`.", "Two.", self=["", None, "One."]), ["de"])
    assert result["mt_truth"].to_pylist() == ["1 `x`!", "`x`!", "Two."]
    one = {"text": "eins Nimm `x`.", "notes": ["truncated"]}
    # A hypothesis without its span is left out, and one that says the same is not repeated.
    assert result["others_truth"].to_pylist() == [
        [one, {"text": "ein Nimm `x`.", "notes": ["truncated"]}],
        [{"text": "Nimm `x`.", "notes": ["truncated"]}],
        [],
    ]
    assert result["others_self"].to_pylist() == [
        None,
        None,
        [{"text": "eins", "notes": []}, {"text": "ein", "notes": []}],
    ]
    assert result.select(TRANSLATED.names).schema.equals(TRANSLATED)


def test_the_first_of_several_hypotheses_is_the_only_one_of_one(tiny: Path, conversions):
    sources = (tiny / "eval/flores/devtest/eng_Latn.devtest").read_text(encoding="utf-8").splitlines()[:40]
    made = []
    for hypotheses in (1, 4):
        config = Translate(model=str(tiny / "models/nllb"), threads=1, hypotheses=hypotheses)
        made.append(TranslateStage(config, cache=conversions)(table(*sources), ["deu_Latn"]))
    assert made[0].equals(made[1].select(TRANSLATED.names))
    others = made[1]["others_truth"].to_pylist()
    assert all(
        text not in [other["text"] for other in own] for text, own in zip(made[0]["mt_truth"].to_pylist(), others)
    )
    assert sum(map(len, others)) > 100


def test_more_hypotheses_than_the_beam_are_refused():
    with pytest.raises(ValueError, match="expected at most 4"):
        Translate(model="x", hypotheses=5)
