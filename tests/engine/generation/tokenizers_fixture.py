"""Hand-made tokenizers of the usual kinds, and chat templates of the usual kinds, written for these tests."""

from typing import Any

_TEXT = [
    "What is the capital of France? The capital of France is Paris.",
    "[INST] Name a city. [/INST] Here it is: Rome, Berlin and so on.",
    "Below is an instruction that describes a task. ### Instruction: ### Response:\n\nuser assistant system\n",
]
_CONTROL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<|eot_id|>", "<bos>"]
_CONTROL += ["<|start_header_id|>", "<|end_header_id|>", "<|user|>", "<|assistant|>", "<|end|>", "<|system|>", "[INST]"]
_CONTROL += ["[/INST]", "<|endoftext|>"]

KINDS = ("bytes", "bytes_prefix", "metaspace_first", "metaspace_always", "metaspace_never", "prepend", "unigram")
ENDS = ("none", "begin", "end", "both")

TEMPLATES = {
    "llama2": "{% set ns = namespace(system='') %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}{% elif m.role == 'user' %}"
    "{{ '<s>[INST] ' + ns.system + m.content.strip() + ' [/INST]' }}{% set ns.system = '' %}"
    "{% else %}{{ ' ' + m.content.strip() + ' </s>' }}{% endif %}{% endfor %}",
    "llama3": "{{ '<s>' }}{% if messages[0].role != 'system' %}{{ '<|start_header_id|>system<|end_header_id|>\n\n"
    "Today Date: ' + strftime_now('%d %b %Y') + '<|eot_id|>' }}{% endif %}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "qwen": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{% if m.role == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ m.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}",
    "gemma": "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + "
    "m.content | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
    "mistral": "{{ '<s>' }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}{% if m.role == 'user' %}"
    "{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ m.content + '</s>' }}{% endif %}{% endfor %}",
    "phi": "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ '<|endoftext|>' }}{% endif %}",
    "zephyr": "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '</s>\n' }}"
    "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{% endfor %}",
    "marked": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}{% else %}"
    "{{ m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
}
END_OF_TURN = {
    "llama2": "</s>",
    "llama3": "<|eot_id|>",
    "qwen": "<|im_end|>",
    "gemma": "<end_of_turn>",
    "mistral": "</s>",
    "phi": "<|end|>",
    "zephyr": "</s>",
    "marked": "<|im_end|>",
}


def make_tokenizer(kind: str = "bytes", ends: str = "begin", template: str | None = None) -> Any:
    """A fast tokenizer: its kind, what it puts around every text (one of ENDS), its chat template."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = _CONTROL
    if kind.startswith("bytes"):
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=kind == "bytes_prefix")
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
    elif kind == "unigram":
        backend = Tokenizer(models.Unigram())
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        backend.decoder = decoders.Metaspace(prepend_scheme="always")
        trainer = trainers.UnigramTrainer(
            vocab_size=120, special_tokens=["<unk>", *special], unk_token="<unk>", show_progress=False
        )
    else:
        bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
        backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        special = ["<unk>", *special, *bytes_]
        if kind == "prepend":  # how older conversions of SentencePiece did it
            backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        else:
            scheme = kind.removeprefix("metaspace_")
            backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
        backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False, max_token_length=8)
    backend.train_from_iterator(_TEXT, trainer)
    if kind.startswith(("metaspace", "prepend")):
        backend = _without_added(backend, {f"<0x{byte:02X}>" for byte in range(256)})
    around = {"none": "$A", "begin": "<s> $A", "end": "$A </s>", "both": "<s> $A </s>"}[ends]
    numbers = [(token, backend.token_to_id(token)) for token in ("<s>", "</s>")]
    backend.post_processor = processors.TemplateProcessing(single=around, special_tokens=numbers)
    begin = {"bos_token": "<s>"} if ends in ("begin", "both") else {}
    made = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", **begin)
    if template:
        made.chat_template = TEMPLATES[template]
        if template == "gemma":
            made.bos_token = "<bos>"
    return made


def _without_added(backend: Any, texts: set[str]) -> Any:
    """The bytes of a byte fallback are pieces of the model, but no added tokens."""
    import json

    from tokenizers import Tokenizer

    described = json.loads(backend.to_str())
    described["added_tokens"] = [token for token in described["added_tokens"] if token["content"] not in texts]
    return Tokenizer.from_str(json.dumps(described))
