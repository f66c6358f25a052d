"""A chat template that renders the prompt of training, so that servers ask what the model was trained on."""

import json

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.chat_template import ChatTemplate
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.templates import renderer
from polydistill.engine.generation.prompting.tokenizer import Tokenizer

_QUESTION = "QUESTION-OF-THE-USER"
_SYSTEM = "TEXT-OF-THE-SYSTEM"
_MERGED = (
    "{%- if messages[0]['role'] == 'system' and messages | length > 1 %}"
    "{%- set first = messages[0]['content'] + '\n\n' + messages[1]['content'] %}"
    "{%- set messages = [{'role': messages[1]['role'], 'content': first}] + messages[2:] %}{%- endif %}"
)


def chat_template(student: Student, tokenizer: Tokenizer) -> str:
    """The Jinja source for the trained tokenizer.

    `chat` keeps the tokenizer's own template, with `student.template` and the date as fixed values. Where it refuses a
    system turn, the system text goes before the first question. `alpaca` and `raw` are written out: the begin token
    where the tokenizer sets one, the template's text around each question, answers as they are, the end token behind
    the last.
    """
    if student.prompt == "chat":
        fixed = "".join(f"{{%- set {name} = {json.dumps(value)} %}}" for name, value in student.template.items())
        own = ChatTemplate(tokenizer, student.template)
        return fixed + ("" if own.has_system else _MERGED) + own.source
    plain = renderer(student.prompt, tokenizer).prompt([Message("user", _QUESTION)])
    told = renderer(student.prompt, tokenizer).prompt([Message("system", _SYSTEM), Message("user", _QUESTION)])
    before, after = plain.split(_QUESTION)
    between = told.split(_SYSTEM)[1].split(_QUESTION)[0]
    begin = "{{- bos_token }}" if tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id] else ""
    return (
        f"{begin}"
        "{%- set state = namespace(system='', text='') %}"
        "{%- for message in messages %}"
        "{%- if message.role == 'system' %}{%- set state.system = message.content %}"
        "{%- elif message.role == 'user' %}"
        "{%- if state.text %}{%- set state.text = state.text + '\\n\\n' %}{%- endif %}"
        f"{{%- set start = state.system + {_text(between)} if state.system else {_text(before)} %}}"
        f"{{%- set state.text = state.text + start + message.content + {_text(after)} %}}"
        "{%- set state.system = '' %}"
        "{%- else %}{%- set state.text = state.text + message.content %}"
        "{%- if loop.last %}{%- set state.text = state.text + eos_token %}{%- endif %}"
        "{%- endif %}{%- endfor %}{{- state.text }}"
    )


def _text(value: str) -> str:
    """A Jinja string literal."""
    return json.dumps(value, ensure_ascii=False)
