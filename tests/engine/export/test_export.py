"""Each format read back gives the same rows: by the library that it is for, and by our own reader of prompts."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.export.export import FOLDERS, NAMES, export
from polydistill.engine.export.preferences import preferences
from polydistill.engine.export.samples import open_source, samples, tables
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run

TURNS = [{"role": r, "content": t, "payload": None} for r, t in (("user", "Hi | <b>"), ("assistant", "Ho\n## x"))]
CALL = [
    {"role": "user", "content": None, "payload": None},
    {"role": "assistant", "content": None, "payload": '{"tool_calls": [{"id": "1", "function": {"name": "add"}}]}'},
    {"role": "tool", "content": "4", "payload": '{"tool_call_id": "1"}'},
]


@pytest.fixture
def run(tmp_path: Path) -> str:
    talks = {1: {"system": "Be kind."}, 2: {"history": TURNS}}
    rows = [row(i, "jpn_Jpan", input="a b" if i % 2 else "", **talks.get(i, {})) for i in range(40)]
    for one, (truth, self_) in zip(rows, ((0.9, 0.5), (0.9, 0.2), (0.6, 0.6), (0.1, 0.8), (0.5, 0.49))):
        one |= {f"scores_{name}": {"quality": q} for name, q in (("truth", truth), ("self", self_))}
    rows[3]["reason_self"] = "low_quality"
    folder = write_run(tmp_path / "run", {"jpn_Jpan": rows}, unit_rows=7)
    judge = {"language_id": "lid.176", "quality": {"model": "kiwi", "threshold": 0.8}, "rules": {"repetition": 0.4}}
    models = {"student": {"model": "llama"}, "translate": {"model": "nllb"}, "judge": judge}
    write_configuration(Folder.of(folder), {"prompts": [{"path": "s3://KEY:SECRET@bucket/alpaca.json"}], **models})
    return folder


@pytest.fixture
def mixture(run: str, tmp_path: Path) -> Mixture:
    return mix(run, load_recipe("t_sft"), Folder.of(tmp_path / "mixture"))


@pytest.fixture
def talks(tmp_path: Path) -> Mixture:
    """A tool call and its result, and a plain question."""
    rows = [row(0, "jpn_Jpan", history=CALL), row(1, "jpn_Jpan")]
    return mix(write_run(tmp_path / "talks", {"jpn_Jpan": rows}), load_recipe("sft"), Folder.of(tmp_path / "mixed"))


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def question(sample: Any) -> str:
    return f"{sample.instruction}\n\n{sample.input}" if sample.input else sample.instruction


def prompts_of(path: Path, out: Path, columns: dict[Any, str] | None = None) -> list[dict[str, Any]]:
    source = PromptSource(path=str(path), columns=columns or {})
    found = prepare([source], "eng_Latn", Folder.of(out), 1000)
    return [row for table in found.tables() for row in table.to_pylist()]


COLUMNS = ("instruction", "input", "truth", "system", "history")


def texts(sample: Any, form: str) -> list[Any]:
    """A sample as our reader finds it in an exported row: only Alpaca's format has a field for the input."""
    apart = form in ("alpaca", "llamafactory", "datasets")
    asked = (sample.instruction, sample.input) if apart else (question(sample), "")
    return [*asked, sample.response, sample.system, sample.history]


def same(found: list[list[Any]], wanted: list[list[Any]]) -> None:
    assert sorted(map(repr, found)) == sorted(map(repr, wanted)) and found


@pytest.mark.parametrize("ending", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("form", ["alpaca", "messages", "sharegpt", "prompt-completion"])
def test_round_trip_through_our_own_reader(form: str, ending: str, mixture: Mixture, tmp_path: Path) -> None:
    written = export(mixture, form, tmp_path / f"x.{ending}")
    every = list(samples(mixture, None, Counter()))
    held = [s for s in every if form != "prompt-completion" or (s.system is None and s.history is None)]
    found = prompts_of(written.path, tmp_path / "again")
    same([[row[c] for c in COLUMNS] for row in found], [texts(sample, form) for sample in held])
    assert written.rows == len(held) == len(every) - sum(written.dropped.values())


@pytest.mark.parametrize("form", FOLDERS)
def test_round_trip_of_folders(form: str, talks: Mixture, tmp_path: Path) -> None:
    """The folder itself is a source of prompts. Our own columns say with `answer` where a response is from."""
    written = export(talks, form, tmp_path / "folder")
    columns = {"answer": "response"} if form == "datasets" else {}
    found = prompts_of(written.path, tmp_path / "again", columns)
    held = [s for s in samples(talks, None, Counter()) if form != "llamafactory" or not s.history]
    same([[row[c] for c in COLUMNS] for row in found], [texts(sample, form) for sample in held])
    assert written.rows == len(held)
    if form == "datasets":
        kept = [row for table in tables(talks, None) for row in table.to_pylist()]
        assert sorted(pq.read_table(written.path / "data").to_pylist(), key=repr) == sorted(kept, key=repr)


@pytest.mark.parametrize("ending", ["json", "jsonl", "parquet"])
def test_round_trip_of_preferences(ending: str, run: str, tmp_path: Path) -> None:
    written = export(run, "dpo", tmp_path / f"dpo.{ending}", margin=0.005)
    made = list(preferences(open_source(run), 0.005, None, Counter()))
    assert sorted(read(written.path), key=repr) == sorted(made, key=repr)
    assert len(made) == written.rows == 3


def test_every_format_has_a_round_trip() -> None:
    assert {*NAMES} == {"alpaca", "messages", "sharegpt", "prompt-completion", *FOLDERS, "dpo"}


def test_tool_calls_survive_where_the_format_can_hold_them(talks: Mixture, tmp_path: Path) -> None:
    chat = read(export(talks, "messages", tmp_path / "m.jsonl", seed=None).path)
    assert chat[0]["messages"] == [
        {"role": "user", "content": "Question 0?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "add"}}]},
        {"role": "tool", "content": "4", "tool_call_id": "1"},
        {"role": "assistant", "content": "Truth 0."},
    ]
    alpaca = export(talks, "alpaca", tmp_path / "a.json")
    assert alpaca.rows == 1 and alpaca.dropped == {"conversation:format_cannot_hold_it": 1}


def test_order_is_shuffled_with_a_seed(mixture: Mixture, tmp_path: Path) -> None:
    """The first half holds both subsets; the same seed gives the same order."""
    rows = {seed: read(export(mixture, "alpaca", tmp_path / f"{seed}.json", seed=seed).path) for seed in (0, 1, None)}
    again = read(export(mixture, "alpaca", tmp_path / "again.json", seed=0).path)
    assert rows[0] == again != rows[1] and sorted(map(repr, rows[0])) == sorted(map(repr, rows[None]))
    japanese = [row["output"].startswith("jp:") for row in rows[0][: len(again) // 2]]
    assert 0.25 < sum(japanese) / len(japanese) < 0.75


def test_weights_become_a_column_where_they_differ(run: str, mixture: Mixture, tmp_path: Path) -> None:
    assert "weight" not in read(export(mixture, "messages", tmp_path / "a.json").path)[0]
    heavy = mix(run, load_recipe("t_sft", ["subsets.TT.weight=3"]), Folder.of(tmp_path / "heavy"))
    rows = read(export(heavy, "messages", tmp_path / "b.json").path)
    assert {(row["messages"][-1]["content"][:3] == "jp:", row["weight"]) for row in rows} == {(True, 3), (False, 1)}


def test_llamafactory_finds_its_columns(mixture: Mixture, tmp_path: Path) -> None:
    folder = export(mixture, "llamafactory", tmp_path / "factory").path
    info = json.loads((folder / "dataset_info.json").read_text())["t_sft"]
    rows = read(folder / info["file_name"])
    keys = {key for entry in rows for key in entry}
    assert set(info["columns"].values()) == keys == {"instruction", "input", "output", "system", "history"}
    assert {"instruction": "Question 3?", "input": "a b", "output": "Truth 3."} in rows


def test_axolotl_names_its_file(mixture: Mixture, tmp_path: Path) -> None:
    folder = export(mixture, "axolotl", tmp_path / "axolotl").path
    (section,) = yaml.safe_load((folder / "axolotl.yaml").read_text())["datasets"]
    assert all(section["field_messages"] in entry for entry in read(folder / section["path"]))


@pytest.mark.parametrize("form", FOLDERS)
def test_datasets_opens_the_folder_and_the_card(
    form: str, mixture: Mixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card points to files that exist, and `load_dataset` reads as many rows as were written."""
    import datasets
    from huggingface_hub import DatasetCard

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    written = export(mixture, form, tmp_path / "hub")
    loaded = datasets.load_dataset(str(written.path), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == written.rows
    card = DatasetCard.load(written.path / "README.md")
    assert card.data.language == ["en", "ja"] and card.data.size_categories == ["n<1K"]
    for text in ("alpaca.json", "kiwi, below 0.8", "nllb", "| TT | target | target |", "repetition 0.4", "| Japanese"):
        assert text in card.text
    assert "SECRET" not in card.content
    if form == "datasets":
        assert set(loaded["subset"]) == {"LL", "TT"} and loaded.features["history"] is not None


def test_a_pool_is_exported_as_its_kept_translations(run: str, tmp_path: Path) -> None:
    written = export(run, "alpaca", tmp_path / "pool.json")
    rows = read(written.path)
    assert {"instruction": "jp:Question 5?", "input": "jp:a b", "output": "jp:Truth 5."} in rows
    assert written.rows == 40 and not written.dropped
    talks = [row for row in rows if "system" in row or "history" in row]
    assert {row.get("system") for row in talks} == {None, "jp:Be kind."} and len(talks) == 2
    assert [["jp:Hi | <b>", "jp:Ho\n## x"]] in [row.get("history") for row in talks]
    whole = export(run, "datasets", tmp_path / "whole")
    assert whole.rows == 40


def test_preferences_of_a_pool(run: str, mixture: Mixture, tmp_path: Path) -> None:
    """By score with a margin; what is chosen must be usable."""
    written = export(run, "dpo", tmp_path / "dpo.jsonl", margin=0.05)
    talk, pair = sorted(read(written.path), key=lambda pair: -len(pair["prompt"]))
    assert [turn["content"] for turn in talk["prompt"]] == ["jp:Be kind.", "jp:Question 1?\n\njp:a b"]
    assert pair["prompt"] == [{"role": "user", "content": "jp:Question 0?"}]
    assert [pair[key][0]["content"] for key in ("chosen", "rejected")] == ["jp:Truth 0.", "jp:Self 0."]
    assert (pair["score_chosen"], pair["score_rejected"]) == pytest.approx((0.9, 0.5))
    assert written.dropped == {
        "chosen:unusable": 1,
        "scores:within_margin": 2,
        "answers:fewer_than_two_scored": 35,
    }
    with pytest.raises(UserError, match="a mixture holds one answer of each prompt"):
        export(mixture, "dpo", tmp_path / "no.jsonl")


def test_candidates_of_the_student_are_preferences(tmp_path: Path) -> None:
    candidates = [
        {"text": t, "finish": "stop", "tokens": 3, "score": s} for t, s in (("a", 0.1), ("b", 0.9), ("c", 0.5))
    ]
    rows = {t: [row(0, t, self_candidates=candidates)] for t in ("deu_Latn", "jpn_Jpan")}
    written = export(write_run(tmp_path / "run", rows), "dpo", tmp_path / "dpo.parquet")
    (pair,) = read(written.path)  # once, however many languages there are
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"], pair["language"]) == ("b", "a", "eng_Latn")


def test_names_in_records_lead_nowhere(mixture: Mixture, tmp_path: Path) -> None:
    """A mixture made by somebody else can name what it wants."""
    manifest = Path(mixture.folder.root, "manifest.json")
    record = json.loads(manifest.read_text())
    del record["checksum"]
    for name in ("../../x", "/abs/x", "a/b", ".hidden"):
        manifest.write_text(json.dumps(record | {"recipe": record["recipe"] | {"name": name}}))
        with pytest.raises(UserError, match="cannot be a file's name"):
            export(str(mixture.folder.root), "llamafactory", tmp_path / "out")
        assert not (tmp_path / "out").exists()
    shards = [record["shards"][0] | {"path": "../run/config.yaml"}]
    manifest.write_text(json.dumps(record | {"shards": shards}))
    with pytest.raises(UserError, match="cannot be a file's name"):
        export(str(mixture.folder.root), "alpaca", tmp_path / "out.json")


def test_mistakes_are_explained(mixture: Mixture, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("x")
    with pytest.raises(UserError, match="exists"):
        export(mixture, "alpaca", tmp_path / "mine.json")
    with pytest.raises(UserError, match="unknown format 'csv'"):
        export(mixture, "csv", tmp_path / "b")
    with pytest.raises(UserError, match=r"must end in \.json, \.jsonl, \.parquet"):
        export(mixture, "alpaca", tmp_path / "b.txt")
    with pytest.raises(UserError, match="neither a mixture"):
        export(str(tmp_path), "alpaca", tmp_path / "b.json")
    assert not list(tmp_path.glob("*.part")) and set(FOLDERS) < set(NAMES)


def test_what_is_altered_is_not_exported(mixture: Mixture, tmp_path: Path) -> None:
    path = Path(mixture.folder.root, mixture.record.shards[0].path)
    content = path.read_bytes()
    at = content.index(b"Truth 5")
    path.write_bytes(content[:at] + b"truth" + content[at + 5 :])
    with pytest.raises(UserError, match="damaged"):
        export(mixture, "alpaca", tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists() and open_source(mixture) is mixture
