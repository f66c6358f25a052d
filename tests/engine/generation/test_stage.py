"""Requests to the engine, and what its rows become."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine import schema
from polydistill.engine.config import Stage, Student
from polydistill.engine.generation import stage as generation
from polydistill.engine.generation.answers import answered
from polydistill.engine.generation.prompting.tokens import Reading
from tests.engine.generation.tokenizers_fixture import make_tokenizer

STUDENT = Student(model="m", max_tokens=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("student")
    make_tokenizer(template="gemma").save_pretrained(folder)
    return str(folder)


def prompts(count: int, truth: str = "") -> pa.Table:
    values: dict[str, Any] = {"instruction": "Q?", "input": "", "truth": truth, "source": "eng_Latn", "origin": "o"}
    rows = [values | {"id": f"{i:016x}"} for i in range(count)]
    return pa.Table.from_pylist(rows, schema=schema.PROMPT)


def engine_rows(texts: list[str], tokens: list[list[int]], errors: list[str] | None = None) -> pa.Table:
    columns = {"generated_text": texts, "generated_tokens": tokens, "__inference_error__": errors or [""] * len(texts)}
    return pa.table(columns)


def test_every_row_comes_back_with_an_answer_or_a_reason(model: str) -> None:
    student = Student(model=model, prompt="chat", max_tokens=4, stop=["###"])
    tokenizer = make_tokenizer(template="gemma")
    end, word = tokenizer.convert_tokens_to_ids("<end_of_turn>"), tokenizer("a", add_special_tokens=False)["input_ids"]
    stop = tokenizer("###", add_special_tokens=False)["input_ids"][:4]
    table = engine_rows(
        [" Paris.\n", "It is very", "It is", "", "four toks", "Rome", ""],
        [[*word, end], word * 4, word * 3, [], [*word * 3, end], stop, [end]],
        ["", "", "", "ValueError: prompt too long", "", "", ""],
    )
    candidates = generation.Reader(student, generation.reading(student)).candidates(table)
    rows, figures = answered(prompts(7), candidates, student, prompt_tokens=70)
    assert rows.schema == schema.GENERATED
    assert rows["self"].to_pylist() == ["Paris.", "It is very", "It is", None, "four toks", "Rome", None]
    errors = [None, "length", "context", "error: ValueError: prompt too long", None, None, "empty"]
    assert rows["self_error"].to_pylist() == errors
    assert rows["self_tokens"].to_pylist() == [2, 4, 3, None, 4, len(stop), 1]
    assert (figures.rows, figures.answered, figures.prompt_tokens) == (7, 5, 70)
    assert figures.reasons == {"context": 1, "empty": 1, "error": 1, "length": 1}


def test_base_models_are_stopped_where_the_next_instruction_begins() -> None:
    assert generation.sampling(STUDENT, 0)["stop"] == ["\n\n###", "\n\nBelow is"]
    assert "stop" not in generation.sampling(Student(model="m", prompt="chat"), 0)
    assert "stop" not in generation.sampling(Student(model="m", stop=[]), 0)


def test_greedy_requests_have_no_seed_and_sampled_ones_their_own() -> None:
    greedy = {"max_tokens": 4, "temperature": 0.0, "stop": ["\n\n###", "\n\nBelow is"]}
    assert generation.request({"seed": 5}, STUDENT, Reading(frozenset({9, 2}))) == {
        "sampling_params": greedy | {"stop_token_ids": [2, 9]}
    }
    student = Student(model="m", temperature=0.7, top_k=40, min_p=0.1, repetition_penalty=1.1, stop=[])
    wanted = {"top_p": 1.0, "top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1, "seed": 5}
    assert generation.sampling(student, 5) == {"max_tokens": 512, "temperature": 0.7} | wanted


def test_each_sample_of_each_row_has_a_seed_of_its_own_and_the_first_is_as_ever() -> None:
    ids = [f"{i:016x}" for i in range(50)]
    four = generation.sample_seeds(Student(model="m", samples=4, temperature=1.0), 0, ids)
    assert four.shape == (50, 4) and len(set(four.ravel().tolist())) == 200
    assert (four[:, :1] == generation.sample_seeds(STUDENT, 0, ids)).all()
    assert (generation.sample_seeds(Student(model="m", seed=1), 0, ids) != four[:, :1]).any()


def test_prompts_are_repeated_for_several_samples(model: str) -> None:
    stage = generation.PromptStage(Student(model=model, samples=3, temperature=1.0), 0)
    table = stage(prompts(2).append_column(generation.UNIT, pa.array([7, 7], pa.int64())))
    assert table["id"].to_pylist() == [f"{i:016x}" for i in (0, 0, 0, 1, 1, 1)]
    assert len(set(table["seed"].to_pylist())) == 6 and table["tokenized_prompt"].null_count == 0


def test_batches_are_units_and_fill_the_scheduler_twice() -> None:
    settings = generation.processor_settings(STUDENT, Stage(actors=2, cpus=1.0, gpus=1.0), rows=256)
    assert settings["batch_size"] == 256
    assert settings["max_concurrent_batches"] * 256 >= 2 * settings["engine_kwargs"]["max_num_seqs"]
    assert settings["engine_kwargs"]["max_num_batched_tokens"] == 16384
    mine = Student(model="m", engine={"max_num_seqs": 8, "tensor_parallel_size": 2})
    settings = generation.processor_settings(mine, Stage(actors=1, cpus=1.0, gpus=1.0), rows=256)
    assert settings["engine_kwargs"]["max_num_seqs"] == 8
    assert settings["placement_group_config"]["bundles"] == [{"CPU": 1.0, "GPU": 1.0}] * 2
    few = generation.processor_settings(mine, Stage(actors=1, cpus=0.6, gpus=1.0), rows=256)
    assert few["placement_group_config"]["bundles"] == [{"CPU": 1.0, "GPU": 1.0}] * 2


def test_an_engine_with_a_part_of_a_gpu_takes_that_part_of_its_memory():
    part = generation.processor_settings(STUDENT, Stage(actors=1, cpus=1.0, gpus=0.6), rows=256)
    assert part["engine_kwargs"]["gpu_memory_utilization"] == 0.54
    whole = generation.processor_settings(STUDENT, Stage(actors=1, cpus=1.0, gpus=1.0), rows=256)
    assert "gpu_memory_utilization" not in whole["engine_kwargs"]


@pytest.mark.parametrize("engines", [1, 2, 4])
def test_as_many_engines_run_as_the_placement_says(engines: int) -> None:
    """Ray's own reading of the setting: the pool of engines begins with all of them."""
    from ray.data.llm import vLLMEngineProcessorConfig

    settings = generation.processor_settings(STUDENT, Stage(actors=engines, cpus=1.0), rows=8)
    found = vLLMEngineProcessorConfig(**settings).get_concurrency(autoscaling_enabled=True)
    assert found == {"min_size": engines, "max_size": engines}
