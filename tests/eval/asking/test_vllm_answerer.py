"""Answers of vLLM against transformers on the same model: the same tokens, the same likelihoods."""

from collections.abc import Callable
from typing import Any

import pytest

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.eval.asking.answerer import Asked
from polydistill.eval.asking.prompt import choice_tokens, prompt_tokens
from polydistill.eval.asking.vllm_answerer import Vllm, chosen
from polydistill.eval.question import Question

TEXT = [
    "The capital of France is Paris, and the capital of Italy is Rome.",
    "Which city gives its name to the time zone of Albania? Name the city.",
    "A b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 . , ? !",
]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], str]:
    """Writes a random Llama with tied embeddings and a BPE tokenizer; other weights for each seed."""

    def write(seed: int) -> str:
        import torch
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        folder = tmp_path_factory.mktemp(f"student{seed}")
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        special = ["<s>", "</s>"]
        trainer = trainers.BpeTrainer(
            vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
        backend.train_from_iterator(TEXT, trainer)
        backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
        tokenizer.save_pretrained(folder)
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=256,
            bos_token_id=0,
            eos_token_id=1,
            tie_word_embeddings=True,
            initializer_range=0.3,  # far from uniform, so that candidates differ
        )
        LlamaForCausalLM(config).save_pretrained(folder)
        return str(folder)

    return write


def settings(model: str) -> Student:
    return Student(model=model, prompt="raw", engine={"dtype": "float32", "max_model_len": 256})


def likelihood(network: Any, prompt: list[int], choice: list[int]) -> float:
    """Summed log-probability of `choice` behind `prompt` by one forward pass of transformers."""
    import torch

    with torch.inference_mode():
        logits = network(torch.tensor([prompt + choice])).logits[0].float().log_softmax(-1)
    return sum(float(logits[len(prompt) + k - 1, token]) for k, token in enumerate(choice))


def greedy(network: Any, prompt: list[int], count: int) -> list[int]:
    import torch

    output = network.generate(torch.tensor([prompt]), max_new_tokens=count, do_sample=False, pad_token_id=1)
    return output[0, len(prompt) :].tolist()


def closed() -> list[Question]:
    """Letters; texts; texts that begin alike for longer than a cache block; prompts of every length around a block."""
    common = "the same beginning that goes on and on, for longer than a block of the cache has room, " * 2
    questions = [
        Question("letters", "eng_Latn", "A or B?", choices=("A", "B", "C", "D"), right=0),
        Question("texts", "eng_Latn", "Where?", "In a passage.", choices=("Rome", "Paris, France", "x"), right=0),
        Question("alike", "eng_Latn", "Which?", choices=(common + "one", common + "two", "three"), right=0),
        Question("plain", "eng_Latn", "Tirana is", choices=(" in Albania", " in Italy"), right=0, plain=True),
    ]
    lengths = [Question(f"length{n}", "eng_Latn", "q" * n, choices=("zebra", "yak ox"), right=0) for n in range(24, 72)]
    return questions + lengths


@pytest.mark.slow
def test_answers_equal_transformers_for_one_model_after_another(student: Callable[[int], str]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    for seed in (0, 1):
        path = student(seed)
        network = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        tokenizer = load_tokenizer(path)
        tokens = PromptTokens(tokenizer, "raw")
        model = Vllm(path, settings(path))
        questions = closed()
        answers = model(Asked(questions, 8))
        for question, prompt, answer in zip(questions, prompt_tokens(questions, [], tokens), answers):
            wanted = [likelihood(network, prompt, ids) for ids in choice_tokens(question, [], tokens)]
            assert answer.scores == pytest.approx(wanted, abs=2e-3), question.id
            assert answer.choice == max(range(len(wanted)), key=wanted.__getitem__)
        # Asked again, from a full cache: the same.
        again = model(Asked(questions, 8))
        assert [a.scores for a in again] == [pytest.approx(a.scores, abs=2e-3) for a in answers]
        _generated(model, network, tokenizer)
        model.close()


def _generated(model: Vllm, network: Any, tokenizer: Any) -> None:
    texts = ["What is it?", "q" * 200, "q" * 300]
    questions = [Question(str(i), "eng_Latn", text) for i, text in enumerate(texts)]
    shots = [Question("shot", "eng_Latn", "Where?", gold=("Here.",))]
    tokens = PromptTokens(tokenizer, "raw")
    prompts = prompt_tokens(questions, [], tokens)
    short, long, refused = model(Asked(questions, 80))
    for answer, prompt in ((short, prompts[0]), (long, prompts[1])):
        room = min(80, 256 - len(prompt))
        wanted = [token for token in greedy(network, prompt, room) if token != 1]
        # vLLM leaves out the bytes of a character that the last token does not complete.
        assert answer.text.rstrip("\ufffd") == tokenizer.decode(wanted).strip().rstrip("\ufffd")
        assert answer.logprob is not None and answer.logprob <= 0
    assert (refused.finish, refused.text, refused.tokens) == ("too_long", "", 0)
    (prompt,) = prompt_tokens(questions[:1], shots, tokens)
    assert tokenizer.decode(prompt) == "<s>Where?\nHere.\n\nWhat is it?\n"
    (again,) = model(Asked(questions[:1], 80, shots))
    assert again.finish in ("stop", "length")


def test_likelihoods_are_divided_by_length_where_asked() -> None:
    question = Question("a", "eng_Latn", "q", choices=("a", "bbbb"), right=1, parts=(1.0, 4.0))
    answer = chosen(question, [-2.0, -4.0])
    assert (answer.text, answer.choice, answer.scores) == ("bbbb", 1, (-2.0, -4.0))
    assert chosen(Question("a", "eng_Latn", "q", choices=("a", "b"), right=1), [-2.0, -4.0]).choice == 0
    assert chosen(question, None).finish == "too_long"
