from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.schema import Note
from polydistill.engine.translation.pieces import cut
from polydistill.engine.translation.span_repair import Request, put_spans_back
from polydistill.engine.translation.translator import Hypothesis
from tests.engine.translation.stand_in import Each

(SENTENCE,) = cut(["Call `f(x)` for {name} now."], ["eng_Latn"]).sentences


def repaired(*texts, translator=None):
    requests = [Request(SENTENCE, "deu_Latn") for _ in texts]
    return put_spans_back(requests, [Hypothesis(text) for text in texts], translator or Each(str.upper))


def test_marks_become_spans_and_lost_ones_cost_one_more_call():
    translator = Each(str.upper)
    made = repaired("[2] ruft [1]", None, "lost", "[1] [2] [2]", translator=translator)
    assert [hypothesis.text for hypothesis in made] == [
        "{name} ruft `f(x)`",
        None,
        *["CALL `f(x)` FOR {name} NOW."] * 2,
    ]
    assert [hypothesis.notes for hypothesis in made] == [(), (), (Note.SPAN_SPLIT,), (Note.SPAN_SPLIT,)]
    assert [text for text, *_ in translator.asked] == ["Call", "for", "now."] * 2


def test_a_part_that_fails_costs_its_sentence():
    failing = Each(lambda text: Hypothesis(None, ("error: no",)) if text == "for" else text)
    assert repaired("lost", translator=failing) == [Hypothesis(None, ("error: no", Note.SPAN_SPLIT))]


@given(st.text(alphabet="[12] ab【】"))
def test_no_span_is_ever_lost(text):
    (made,) = repaired(text)
    assert made.text.count("`f(x)`") == made.text.count("{name}") == 1
