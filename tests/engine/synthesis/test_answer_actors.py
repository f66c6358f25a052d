"""The engine's rows of a unit become its committed answers."""

from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.config import Student
from polydistill.engine.generation.answers import Answers
from polydistill.engine.generation.stage import UNIT, reading
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.answer_actors import CommitActor
from tests.engine.generation.test_reward import write_model
from tests.engine.generation.test_stage import engine_rows, prompts
from tests.engine.synthesis.test_actors import Counts


def rows_of(texts: list[str], samples: int) -> pa.Table:
    """Unit 3 as it comes back: each prompt `samples` times. The token 1 is the end of an answer."""
    asked = prompts(len(texts) // samples).take(pa.array([i // samples for i in range(len(texts))]))
    made = engine_rows(texts, [[2, 1]] * len(texts))
    for name in made.column_names:
        asked = asked.append_column(name, made[name])
    asked = asked.append_column(UNIT, pa.array([3] * len(texts), UNIT.type))
    asked = asked.append_column("num_input_tokens", pa.array([5] * len(texts)))
    return asked.append_column("time_taken_llm", pa.array([0.5] * len(texts)))


def test_the_rated_best_of_each_prompt_is_committed(tmp_path: Path) -> None:
    model = write_model(tmp_path / "reward")
    student = Student(
        model=model, prompt="raw", samples=2, temperature=1.0, select="quality", reward=model, price={"prompt": 1e5}
    )
    root = Folder.of(tmp_path / "run")
    actor = CommitActor(student, root, {3: 2}, {3: ["deu_Latn"]}, Counts(), reading(student))
    passed = actor(rows_of(["bad", "good", "answer fair", "answer bad"], 2))
    assert passed.to_pylist() == [{"unit": 3, "targets": ["deu_Latn"]}]
    answers = Answers(root / GENERATED)
    assert answers.table(3)["self"].to_pylist() == ["good", "answer fair"]
    figures = answers.figures()
    assert (figures.answered, figures.candidates, figures.prompt_tokens, figures.cost) == (2, 4, 20, 2.0)


def test_a_unit_that_lost_an_answer_is_not_committed(tmp_path: Path) -> None:
    model = write_model(tmp_path / "student")
    root = Folder.of(tmp_path / "run")
    student = Student(model=model, prompt="raw")
    actor = CommitActor(student, root, {3: 3}, {3: []}, Counts(), reading(student))
    with pytest.raises(RuntimeError, match="unit 3 came back with 2 of 3 answers"):
        actor(rows_of(["a", "b"], 1))
    assert Answers(root / GENERATED).units() == set()
