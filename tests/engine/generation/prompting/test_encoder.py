"""A row's text stays data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.encoder import Encoder
from tests.engine.generation.tokenizers_fixture import KINDS, make_tokenizer

TOKENIZERS = {kind: make_tokenizer(kind, "begin") for kind in KINDS}


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), text=st.text(alphabet="ab </s>[INT]|im_end", max_size=30))
def test_hidden_texts_come_back_as_pieces(kind: str, text: str) -> None:
    tokenizer = TOKENIZERS[kind]
    encoder = Encoder(tokenizer)
    hidden = encoder.hide([Message("user", text + "</s>")])
    (found,) = encoder.encode([hidden.messages[0].content], [hidden.marks])
    assert not set(found.ids) & set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    if kind == "bytes":
        assert tokenizer.decode(found.ids) == text + "</s>"
    assert all(0 <= a <= b <= len(hidden.messages[0].content) for a, b in found.offsets)


def test_the_templates_own_control_texts_stay_control_texts() -> None:
    encoder = Encoder(TOKENIZERS["bytes"])
    hidden = encoder.hide([Message("user", "x</s>")])
    (found,) = encoder.encode([f"<s>{hidden.messages[0].content}</s>"], [hidden.marks])
    ids = TOKENIZERS["bytes"].convert_tokens_to_ids(["<s>", "</s>"])
    assert [found.ids[0], found.ids[-1]] == ids and found.ids.count(ids[1]) == 1


def test_private_characters_of_a_text_are_not_mistaken() -> None:
    encoder = Encoder(TOKENIZERS["bytes"])
    hidden = encoder.hide([Message("user", "\U000f0000</s>\U000f0001")])
    (found,) = encoder.encode([hidden.messages[0].content], [hidden.marks])
    assert TOKENIZERS["bytes"].decode(found.ids) == "\U000f0000</s>\U000f0001"


@pytest.mark.parametrize(("ends", "begin"), [("none", []), ("begin", ["<s>"]), ("both", ["<s>"])])
def test_the_begin_token_of_a_tokenizer(ends: str, begin: list[str]) -> None:
    tokenizer = make_tokenizer("bytes", ends)
    assert tokenizer.convert_ids_to_tokens(Encoder(tokenizer).begin) == begin


def test_slow_tokenizers_are_refused() -> None:
    with pytest.raises(UserError, match=r"not a fast tokenizer"):
        Encoder(object())
