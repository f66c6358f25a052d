import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.prompts.conversation import HERE, Unusable, messages, read_conversation, read_turns

CALL = {"id": "c1", "type": "function", "function": {"name": "sum", "arguments": '{"a": 1}'}}


def said(role: str, content: str | None, **rest) -> dict:
    return {"role": role, "content": content} | rest


def turn(role: str, content: str | None, payload: dict | None = None) -> dict:
    return {"role": role, "content": content, "payload": payload and json.dumps(payload, ensure_ascii=False)}


def test_the_last_question_and_its_answer_are_the_row():
    talk = [said("system", "Be brief."), said("user", "Hi"), said("assistant", "Hello"), said("user", "1+1?")]
    found = read_conversation([*talk, said("assistant", "2")])
    assert (found.system, found.instruction, found.truth) == ("Be brief.", "1+1?", "2")
    assert found.history == [turn("user", "Hi"), turn("assistant", "Hello")]
    assert read_conversation(talk).truth is None
    assert read_conversation([said("user", "Hi")]).history is None


def test_sharegpt_pairs_and_json_text_are_conversations():
    share = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    chat = [said("user", "Hi"), said("assistant", "Hello")]
    assert read_conversation(share) == read_conversation(chat) == read_conversation(json.dumps(chat))
    assert read_turns([["Hi", "Hello"]]) == read_turns(chat)


def test_pairs_of_input_and_output_are_turns():
    """XTuner's and Capybara's form; the other keys stay with the answer."""
    talk = [{"system": "s", "input": "q1", "output": "a1"}, {"input": "q2", "output": "a2", "source": "x"}]
    found = read_conversation(talk)
    assert (found.system, found.instruction, found.truth, found.lost) == ("s", "q2", "a2", ("source",))
    assert found.history == [turn("user", "q1"), turn("assistant", "a1")]
    assert read_turns([{"speaker": "user", "text": "Hi"}]) == [turn("user", "Hi")]


def test_a_tool_call_keeps_its_place_and_payload():
    talk = [
        said("user", "Add 1 and 2."),
        said("assistant", None, tool_calls=[CALL]),
        said("tool", "3", tool_call_id="c1"),
        said("assistant", "It is 3."),
    ]
    found = read_conversation(talk)
    assert found.instruction == "Add 1 and 2." and found.truth == "It is 3."
    assert found.history == [
        HERE,
        turn("assistant", None, {"tool_calls": [CALL]}),
        turn("tool", "3", {"tool_call_id": "c1"}),
    ]
    assert messages(None, found.history, found.instruction, answer=found.truth) == talk


def test_turns_of_our_own_tables_are_read_as_they_are():
    own = [turn("user", "Hi"), turn("assistant", None, {"tool_calls": [1]}), turn("user", None)]
    assert read_turns(own) == own
    for payload in ("[1]", "no JSON", "{" * 100_000):
        with pytest.raises(Unusable, match="bad_conversation"):
            read_turns([turn("user", "Hi") | {"payload": payload}])
    (other,) = read_turns([{"role": "user", "content": "Hi", "payload": "no JSON", "name": "Ann"}])
    assert json.loads(other["payload"]) == {"payload": "no JSON", "name": "Ann"}  # a key of somebody else


def test_roles_that_say_more_than_ours_survive():
    talk = [
        {"from": "human", "value": "x"},
        {"from": "function_call", "value": "{}"},
        {"from": "observation", "value": "3"},
    ]
    found = read_conversation(talk)
    assert [(t["role"], t["payload"]) for t in found.history or []] == [
        ("user", None),
        ("assistant", '{"role": "function_call"}'),
        ("tool", '{"role": "observation"}'),
    ]
    assert [m["role"] for m in messages(None, found.history, "x")] == ["user", "function_call", "observation"]


def test_parts_of_text_are_joined_and_kept():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    found = read_conversation([said("user", parts), said("assistant", "x"), said("user", [parts[0]])])
    assert found.instruction == "a" and found.lost == ()
    assert found.history == [turn("user", "ab", {"content": parts}), turn("assistant", "x")]
    assert messages(None, found.history, "a")[0] == said("user", parts)


def test_keys_of_the_question_and_the_answer_that_no_column_holds_are_named():
    found = read_conversation([said("user", "a", name="Ann"), said("assistant", "b", weight=0)])
    assert found.lost == ("name", "weight")


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        ([], "no_user_turn"),
        ("not JSON", "bad_conversation"),
        ({"role": "user"}, "bad_conversation"),
        (["a"], "bad_conversation"),
        ([["a"]], "bad_conversation"),
        ([{"content": "a"}], "bad_conversation"),
        ([said("wizard", "a")], "unknown_role"),
        ([said("assistant", "a")], "no_user_turn"),
        ([said("user", None)], "no_user_turn"),
        ([said("user", [{"type": "image_url", "image_url": "x"}])], "media"),
        ([said("user", "a"), said("assistant", None, tool_calls=[CALL])], "answer_is_a_call"),
        ([said("user", {"a": 1})], "wrong_type"),
        ([said("user", "a\ud800")], "bad_utf8"),
    ],
)
def test_what_a_row_cannot_hold_has_a_reason(talk, reason):
    with pytest.raises(Unusable, match=reason):
        read_conversation(talk)


texts = st.text(min_size=1, max_size=5)
rest = st.just({}) | st.dictionaries(st.sampled_from(["tool_calls", "name", "x"]), st.lists(st.integers(), min_size=1))
turns = st.builds(
    lambda role, text, more: said(role, text) | more, st.sampled_from(["user", "assistant", "tool"]), texts, rest
)


@given(system=st.none() | texts, before=st.lists(turns, max_size=4), question=texts, after=st.lists(turns, max_size=3))
def test_a_conversation_survives_the_way_there_and_back(system, before, question, after):
    after = [said("tool", m["content"]) if m["role"] == "user" else m for m in after]
    talk = [*([said("system", system)] if system else []), *before, said("user", question), *after]
    talk.append(said("assistant", "the end"))
    found = read_conversation(talk)
    assert messages(found.system, found.history, found.instruction, answer=found.truth) == talk
