"""How a question becomes a prompt. Generation, training and evaluation use the same function."""

from typing import Any, Literal

from polydistill.engine.errors import UserError

Template = Literal["alpaca", "chat", "raw"]

_ALPACA_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
)
_ALPACA = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:\n"
)


def render(template: Template, instruction: str, input: str = "", tokenizer: Any = None) -> str:
    """The text that stands before the answer.

    alpaca: Stanford Alpaca's two prompts (with and without input; x-LLM and SDRRL train on them).
    chat: the tokenizer's own chat template with one user turn and the generation prompt.
    raw: instruction and input, nothing else.
    """
    if template == "alpaca":
        return (
            _ALPACA_INPUT.format(instruction=instruction, input=input)
            if input
            else _ALPACA.format(instruction=instruction)
        )
    question = f"{instruction}\n\n{input}" if input else instruction
    if template == "raw":
        return question + "\n"
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )


def load_tokenizer(model: str, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a Hugging Face folder or hub id.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise UserError(f"{model}: no tokenizer can be loaded from here ({str(error).splitlines()[0]})") from error


def encode(tokenizer: Any, template: Template, instructions: list[str], inputs: list[str]) -> list[list[int]]:
    """Token ids of the prompts, with the tokenizer's own begin-of-text token.

    Text of a row is data: "</s>" in an instruction becomes ordinary pieces, never the control token. Only a chat
    template's own text may contain control tokens.
    """
    prompts = [render(template, a, b, tokenizer) for a, b in zip(instructions, inputs)]
    if template != "chat":
        return tokenizer(prompts, split_special_tokens=True)["input_ids"]
    # The template's text stands around the question; the three parts are tokenized apart.
    ids: list[list[int]] = []
    for prompt, question in zip(prompts, (f"{a}\n\n{b}" if b else a for a, b in zip(instructions, inputs))):
        before, found, after = prompt.partition(question.strip())
        if not found:
            raise UserError("the tokenizer's chat template changes the question's text; use prompt: alpaca or raw")
        parts = [tokenizer(part, add_special_tokens=False)["input_ids"] for part in (before, after)]
        middle = tokenizer(found, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        ids.append(parts[0] + middle + parts[1])
    return ids
