"""A file of conversations through the whole line: system prompts, several turns, code and a tool call."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.shards import read_table
from tests.polydistill.cli.command import polydistill

pytestmark = pytest.mark.slow

CODE = "```python\nprint(40 + 2)\n```"
CALL = [{"id": "1", "type": "function", "function": {"name": "run", "arguments": '{"code": "40 + 2"}'}}]


def talk(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """A system prompt, three questions of the small world, code, a tool call and its result."""
    first, second, third, system = rows
    return [
        {"role": "system", "content": system["instruction"]},
        {"role": "user", "content": first["instruction"]},
        {"role": "assistant", "content": first["output"]},
        {"role": "user", "content": CODE},
        {"role": "assistant", "content": None, "tool_calls": CALL},
        {"role": "tool", "content": '{"stdout": "42"}', "tool_call_id": "1"},
        {"role": "assistant", "content": second["output"]},
        {"role": "user", "content": third["instruction"]},
        {"role": "assistant", "content": third["output"]},
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    folder = tmp_path_factory.mktemp("conversations")
    rows = [row for row in json.loads((tiny / "instructions.json").read_text()) if not row["input"]]
    talks = [talk(rows[i : i + 4]) for i in range(0, 4 * 40, 4)]
    (folder / "talks.jsonl").write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in talks))
    demo = yaml.safe_load((Path(__file__).parents[3] / "configs/runs/demo.yaml").read_text())
    run = json.loads(json.dumps(demo).replace("out/tinyworld", str(tiny.resolve())))
    run |= {"output": "run", "prompts": {"path": "talks.jsonl"}, "targets": ["deu_Latn"], "work": {"unit_rows": 32}}
    del run["eval"]
    run["judge"]["quality"]["threshold"] = 0.5
    run["train"] |= {"steps": 2, "epochs": 1, "cpus": 0.5}
    own = [{"instruction": f"Eigene Frage {i}?", "output": f"Eigene Antwort {i}."} for i in range(5)]
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    run["native"] = [{"path": "own.jsonl", "language": "de"}]
    (folder / "run.yaml").write_text(yaml.safe_dump(run))
    polydistill(folder, "synth", "run.yaml")
    return folder


def test_turns_are_translated_and_data_is_left_alone(folder: Path) -> None:
    rows = [row for table in open_pool(str(folder / "run")).tables("deu_Latn") for row in table.to_pylist()]
    assert len(rows) == 40
    kept = [row for row in rows if row["reason"] is None]
    assert len(kept) >= 5, [row["reason"] for row in rows]
    for row in kept:
        assert row["self"] and row["mt_system"] and row["mt_system"] != row["system"]
        assert [turn["role"] for turn in row["history"]] == [
            "user",
            "assistant",
            "user",
            "assistant",
            "tool",
            "assistant",
        ]
        assert json.loads(row["history"][3]["payload"])["tool_calls"] == CALL
        question, answer, code, call, result, last = row["mt_history"]
        assert question != row["history"][0]["content"] and answer and last
        assert (code, call, result) == (CODE, None, '{"stdout": "42"}')


def test_a_recipe_trains_on_them_and_an_export_is_read_back(folder: Path) -> None:
    polydistill(folder, "mix", "run", "--recipe", "sdrrl", "--set", "subsets.own={task: native}")
    mixture = Mixture.open(str(folder / "run/mixtures/sdrrl"))
    rows = [row for shard in mixture.record.shards for row in read_table(mixture.folder, shard.path).to_pylist()]
    german = [row for row in rows if row["subset"] == "TT"]
    assert german and all(len(row["history"]) == 6 and row["system"] for row in german)
    # A user's own German rows, which no translator has seen, stand among them.
    assert [(row["question_language"], row["instruction"]) for row in rows if row["subset"] == "own"] == [
        ("deu_Latn", f"Eigene Frage {i}?") for i in range(5)
    ]
    polydistill(folder, "train", "run/mixtures/sdrrl", "--config", "run.yaml", "--out", "model")
    assert (folder / "model/model/model.safetensors").exists()
    polydistill(folder, "export", "run/mixtures/sdrrl", "--format", "messages", "--out", "back.jsonl")
    own = json.loads((folder / "model/training.json").read_text())["subsets"]["own"]
    assert own["samples"] + own["validation_samples"] == 5
    back = [json.loads(line)["messages"] for line in (folder / "back.jsonl").read_text().splitlines()]
    assert len(back) == len(rows)
    own = [{"role": "user", "content": "Eigene Frage 0?"}, {"role": "assistant", "content": "Eigene Antwort 0."}]
    assert own in back
    roles = ["system", "user", "assistant", "user", "assistant", "tool", "assistant", "user", "assistant"]
    talks = [messages for messages in back if len(messages) == len(roles)]
    assert len(talks) == sum(row["history"] is not None for row in rows)
    for messages in talks:
        assert [turn["role"] for turn in messages] == roles
        assert messages[3]["content"] == CODE and messages[4]["tool_calls"] == CALL
        assert messages[5] == {"role": "tool", "content": '{"stdout": "42"}', "tool_call_id": "1"}
