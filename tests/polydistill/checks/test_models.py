"""What is wrong with a run's models, from their folders' small files alone."""

import json
from pathlib import Path

import pytest

from polydistill.checks import models
from polydistill.engine.errors import UserError
from polydistill.run_config import RunConfig
from tests.engine.generation.tokenizers_fixture import TEMPLATES, make_tokenizer


def run(**sections: object) -> RunConfig:
    values = {"output": "out", "targets": ["de"], "prompts": {"path": "a.json"}, "translate": {"model": "some/nllb"}}
    return RunConfig.model_validate(values | sections)


def folder(place: Path, **config: object) -> str:
    place.mkdir()
    (place / "config.json").write_text(json.dumps(config))
    return str(place)


def texts(problems: list[models.Problem]) -> list[str]:
    return [f"{problem.key}: {problem.text}" for problem in problems if not problem.note]


def test_no_student_no_problem() -> None:
    assert models.student(run()) == []


def test_a_student_of_another_kind(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", architectures=["T5Model"])
    (found,) = texts(models.student(run(student={"model": path})))
    assert found == f"student.model: {path}: a T5Model, expected a causal language model"


def test_an_engine_argument_that_vllm_does_not_have(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", architectures=["T5Model"])
    found = texts(models.student(run(student={"model": path, "engine": {"max_model_length": 9}})))
    assert found[0].startswith("student.engine: max_model_length is no engine argument of vLLM. Did you mean max_model")


def test_a_language_model_is_no_translator(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", architectures=["LlamaForCausalLM"])
    found = texts(models.translator(run(translate={"model": path, "fallback": {"model": path}})))
    assert [text.split(":")[0] for text in found] == ["translate.model", "translate.fallback.model"]
    assert "translate.fallback.method: self" in found[1]


def test_a_reward_model_has_one_output(tmp_path: Path) -> None:
    path = folder(
        tmp_path / "m",
        model_type="llama",
        architectures=["LlamaForSequenceClassification"],
        id2label={"0": "a", "1": "b"},
    )
    student = {"model": path, "samples": 2, "temperature": 1.0, "select": "quality", "reward": path}
    found = texts(models.student(run(student=student)))
    assert found[-1].startswith(f"student.reward.model: {path} is a LlamaForSequenceClassification with 2 outputs")


def test_a_translating_chat_model_needs_a_template_and_had_better_not_think(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", architectures=["Qwen3ForCausalLM"])
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(path)
    translate: dict[str, object] = {"model": path, "method": "chat"}
    (found,) = texts(models.translator(run(translate=translate)))
    assert found.startswith(f"translate.model: {path}: no chat template")
    tokenizer.chat_template = TEMPLATES["qwen"]
    tokenizer.save_pretrained(path)
    (noted,) = models.translator(run(translate=translate))
    assert noted.note and noted.key == "translate.template" and "may think before each translation" in noted.text
    assert models.translator(run(translate=translate | {"template": {"enable_thinking": False}})) == []


def test_self_translation_needs_examples_of_every_direction(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", architectures=["LlamaForCausalLM"])
    translate = {"model": path, "method": "self", "examples": str(tmp_path)}
    (found,) = texts(models.translator(run(translate=translate)))
    assert found.startswith(f"translate.examples: {tmp_path} has no eng_Latn-deu_Latn.tsv")
    (tmp_path / "eng_Latn-deu_Latn.tsv").write_text("a\tb\n" * 8)
    assert texts(models.translator(run(translate=translate))) == []
    (found,) = texts(models.translator(run(translate=translate | {"mark_answers": True})))
    assert "needs <answer>...</answer> around an answer on both sides" in found


def test_terms_of_languages_that_are_no_targets_are_noted() -> None:
    translate = {"model": "some/nllb", "keep": {"default": ["x"], "fr": ["y"]}, "glossary": {"de": {"a": "b"}}}
    notes = [p for p in models.translator(run(translate=translate)) if p.key == "translate.keep"]
    assert [(p.note, p.text) for p in notes] == [(True, "fra_Latn is no target of this run")]


@pytest.mark.parametrize(
    ("content", "message"), [(b"GIF8", "not a fastText model"), (None, "No such file or directory")]
)
def test_language_identifiers(tmp_path: Path, content: bytes | None, message: str) -> None:
    models.language_id("lid.176")
    file = tmp_path / "lid.bin"
    if content:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        models.language_id(str(file))
    file.write_bytes(models.FASTTEXT + b"rest")
    models.language_id(str(file))


def test_a_compute_type_of_another_machine() -> None:
    (found,) = texts(models.compute_type(run(translate={"model": "some/nllb", "compute_type": "int3"})))
    assert found.startswith("translate.compute_type: int3 is not supported on this c")
    assert models.compute_type(run()) == []
