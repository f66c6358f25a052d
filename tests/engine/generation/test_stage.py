import pyarrow as pa

from polydistill.engine import schema
from polydistill.engine.config import Stage, Student
from polydistill.engine.generation import stage as generation

STUDENT = Student(model="m", max_tokens=4)


def engine_rows(**columns) -> pa.Table:
    count = len(columns["generated_text"])
    base = {field.name: pa.array([f"{field.name}{i}" for i in range(count)]) for field in schema.PROMPT}
    base["history"] = pa.nulls(count)
    return pa.table(base | {"unit": pa.array([7] * count, pa.int32())} | columns)


def test_every_row_comes_back_with_an_answer_or_a_reason():
    table = engine_rows(
        generated_text=[" Paris.\n", "It is very", "", "four toks"],
        generated_tokens=[[5, 2], [5, 6, 7, 8], [], [5, 6, 7, 2]],
        num_generated_tokens=[2, 4, 0, 4],
        __inference_error__=["", "", "ValueError: prompt too long", ""],
    )
    out = generation.answered(table, STUDENT, frozenset({2}))
    assert out["self"].to_pylist() == ["Paris.", "It is very", None, "four toks"]
    assert out["self_error"].to_pylist() == [None, "length", "error: ValueError: prompt too long", None]
    assert out["self_tokens"].to_pylist() == [2, 4, None, 4]
    assert out.select(schema.GENERATED.names).schema == schema.GENERATED


def test_greedy_requests_have_no_seed_and_sampled_ones_their_row_s_own():
    assert generation.request({"seed": 5}, STUDENT) == {"sampling_params": {"max_tokens": 4, "temperature": 0.0}}
    sampled = generation.request({"seed": 5}, Student(model="m", temperature=0.7))
    assert sampled["sampling_params"]["seed"] == 5


def test_batches_are_units_and_fill_the_scheduler_twice():
    settings = generation.processor_settings(STUDENT, Stage(actors=2, cpus=1.0, gpus=1.0), rows=256)
    assert settings["batch_size"] == 256 and settings["concurrency"] == 2
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
