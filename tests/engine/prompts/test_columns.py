import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.prompts.columns import NAMES, SINGLE, check_columns, find_columns


def roles(*keys: str, **given) -> dict[str, str]:
    return dict(find_columns(keys, given, "a.jsonl:1").names)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("instruction input output", "instruction:instruction input:input answer:output"),
        ("instruction input response", "instruction:instruction input:input answer:response"),
        ("instruction input answer", "instruction:instruction input:input answer:answer"),
        ("instruction context response category", "instruction:instruction input:context answer:response"),
        ("instruction context output", "instruction:instruction input:context answer:output"),
        ("question answer", "instruction:question answer:answer"),
        ("question context answer", "instruction:question input:context answer:answer"),
        ("id system_prompt question response", "system:system_prompt instruction:question answer:response id:id"),
        ("id title context question answers", "instruction:question input:context answer:answers id:id"),
        (
            "instruction input output system history",
            "system:system history:history instruction:instruction input:input answer:output",
        ),
        ("Instruction Output", "instruction:Instruction answer:Output"),
        ("problem solution", "instruction:problem answer:solution"),
        ("inputs targets language language_code", "instruction:inputs answer:targets language:language"),
        ("conversations source", "messages:conversations"),
        ("messages system id lang", "messages:messages system:system id:id language:lang"),
    ],
)
def test_usual_names(keys, expected):
    assert {f"{role}:{name}" for role, name in roles(*keys.split()).items()} == set(expected.split())


def test_spelling_of_names_does_not_matter():
    assert roles("System Prompt", "QUERY", "completion.") == {
        "system": "System Prompt",
        "instruction": "QUERY",
        "answer": "completion.",
    }


def test_every_usual_name_is_found_alone():
    for role, names in NAMES.items():
        for name in names:
            assert roles(name.upper()) == {role: name.upper()}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "instruction question",
            r"'instruction' and 'question' could both be the instruction.*columns: {instruction: ",
        ),
        ("instruction input context output", r"'input' and 'context' could both be the input"),
        ("prompt output response", r"'output' and 'response' could both be the answer.*{answer: output}"),
        (
            "prompt messages",
            r"'messages' looks like conversations, 'prompt' like single questions.*{messages: messages}",
        ),
    ],
)
def test_two_columns_for_a_role_are_an_error_with_the_mapping(keys, message):
    with pytest.raises(UserError, match=message):
        roles(*keys.split())


def test_a_mapping_settles_it():
    assert roles("prompt", "messages", messages="messages") == {"messages": "messages"}
    assert roles("prompt", "messages", instruction="prompt") == {"instruction": "prompt"}
    assert roles("a", "b", "output", instruction="a", answer="b") == {"instruction": "a", "answer": "b"}
    assert roles("question", "answer", answer=None) == {"instruction": "question"}
    assert "history" not in roles("messages", "history", messages="messages")
    assert set(SINGLE) < set(NAMES)


def check(*keys: str, texts: str | None = None, **given) -> None:
    check_columns([find_columns(keys, given, "a:1")], set(keys if texts is None else texts.split()), given, "a.jsonl")


def test_a_file_that_fits_no_format_or_half_of_one_is_refused():
    with pytest.raises(
        UserError, match=r"a.jsonl: no column is known as the question.*{instruction: ask, answer: say}"
    ):
        check("ask", "say")
    with pytest.raises(UserError, match=r"no column is known as the answer.*{answer: say}.*{answer: null}"):
        check("question", "say")
    with pytest.raises(UserError, match=r"{answer: chosen}"):  # never the answers that people rejected
        check("question", "chosen", "rejected")
    with pytest.raises(UserError, match=r"{columns: {instruction: text}}"):
        check("message_id", "parent_id", "text", "rejected")
    with pytest.raises(UserError, match=r"no column 'ask'. Columns: question, say"):
        check("question", "say", instruction="ask")
    check("question", "say", answer=None)
    check("question", "category", "source")  # say something about the row only
    check("question", "score", texts="question")
    check("messages", "say")
