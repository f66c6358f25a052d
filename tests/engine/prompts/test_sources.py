"""Sources: which parts they have, in which order, how many rows, and what identifies them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.fields import Notes
from polydistill.engine.prompts.sources import HubPart, on_hub, open_sources
from tests.engine.prompts.hub import commit_of, serving


def write(path: Path, count: int, start: int = 0) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"instruction": f"Question {start + i}?", "output": "A"} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def read(*configs: PromptSource) -> list[tuple[str, str]]:
    """Part and instruction of every row."""
    found = []
    for source in open_sources(list(configs), "en"):
        for batch in source.frames(Notes()):
            found += [(batch.part, text) for text in batch.frame["instruction"].to_list()]
    return found


def test_a_folder_is_read_file_by_file_under_names_without_it(tmp_path: Path) -> None:
    write(tmp_path / "set/b.jsonl", 1, 2)
    write(tmp_path / "set/a/x.jsonl", 2)
    (source,) = open_sources([PromptSource(path=str(tmp_path / "set"))], "German")
    assert [part.name for part in source.parts] == ["a/x.jsonl", "b.jsonl"] and source.language == "deu_Latn"
    assert read(source.config) == [
        ("a/x.jsonl", "Question 0?"),
        ("a/x.jsonl", "Question 1?"),
        ("b.jsonl", "Question 2?"),
    ]


@pytest.mark.parametrize("limit", [1, 3, 4, 6, 9])
def test_a_limit_takes_the_first_rows_over_all_files(limit: int, tmp_path: Path) -> None:
    for index in range(3):
        write(tmp_path / f"set/{index}.jsonl", 2, 2 * index)
    rows = read(PromptSource(path=str(tmp_path / "set"), limit=limit))
    assert [text for _, text in rows] == [f"Question {i}?" for i in range(min(limit, 6))]


def test_files_of_several_sources_are_told_apart(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one/a.jsonl", 1), write(tmp_path / "other/a.jsonl", 1)
    sources = open_sources([PromptSource(path=one), PromptSource(path=other, language="de")], "en")
    assert [source.parts[0].name for source in sources] == [one, other]
    assert [source.language for source in sources] == ["eng_Latn", "deu_Latn"]


def test_a_text_file_holds_questions(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Why?\n\nHow?\n")
    assert read(PromptSource(path=str(tmp_path / "a.txt"), columns={"answer": None})) == [
        ("a.txt", "Why?"),
        ("a.txt", "How?"),
    ]


def test_identity_is_content_and_a_known_file_is_not_read_again(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.jsonl", 3))

    def identity(known: list) -> object:
        (part,) = open_sources([PromptSource(path=str(path))], "en")[0].parts
        return part.identity(known)

    first = identity([])
    info = path.stat()
    path.write_text(path.read_text().replace("Question 0", "Question 9"))  # as long as before
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert identity([first]) == first  # the same size and time: believed
    assert identity([]).content != first.content
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))
    assert identity([first]).content == identity([]).content  # another time: read


def test_input_tells_translations_apart_from_the_rows(tmp_path: Path) -> None:
    path, german = write(tmp_path / "a.jsonl", 2), write(tmp_path / "de.jsonl", 2, 5)
    config = PromptSource(path=path, translations={"de": {"path": german}}, limit=2, sample=1)
    (source,) = open_sources([config], "en")
    record = source.input()
    assert [file.name for file in record.files] == ["a.jsonl"] and (record.limit, record.sample) == (2, 1)
    assert [file.name for file in record.translations["deu_Latn"].files] == ["de.jsonl"]
    (batch,) = source.frames(Notes())
    assert batch.given["deu_Latn"]["instruction"].to_list() == ["Question 5?", "Question 6?"]


def test_what_means_a_data_set_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("tatsu-lab/alpaca", "hub:alpaca", "openai/gsm8k"):
        assert on_hub(path)
    for path in ("data/a.jsonl", "data/a.jsonl.gz", "./data/x", "s3://bucket/x", "/data/x", "a/b/c", "alpaca"):
        assert not on_hub(path)
    (tmp_path / "tatsu-lab/alpaca").mkdir(parents=True)
    assert not on_hub("tatsu-lab/alpaca")  # what is here comes first
    (source,) = open_sources([PromptSource(path="hub:org/set", split="test", revision="v1")], "en")
    assert source.parts == [HubPart("org/set", None, "test", "v1", {})] and source.parts[0].name == "org/set:test"


def lines(*questions: str) -> bytes:
    return "".join(json.dumps({"instruction": text, "output": "A."}) + "\n" for text in questions).encode()


CARD = b"""---
configs:
- config_name: default
  data_files: [{split: train, path: data/train-*.jsonl}, {split: test, path: data/test.jsonl}]
---
"""
NEW = {"README.md": CARD, "data/train-0.jsonl": lines("Q0?", "Q1?", "Q2?"), "data/test.jsonl": lines("New?")}
OLD = NEW | {"data/test.jsonl": lines("Old?")}
READ = """
import json, sys
from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.fields import Notes
from polydistill.engine.prompts.sources import open_sources

for text in sys.argv[1:]:
    try:
        (source,) = open_sources([PromptSource(**json.loads(text))], "en")
        (file,) = source.input().files
        rows = [text for batch in source.frames(Notes()) for text in batch.frame["instruction"].to_list()]
        print(json.dumps([file.name, file.content, rows]))
    except UserError as error:
        print(json.dumps(str(error)))
"""


def test_a_data_set_on_the_hub(tmp_path: Path) -> None:
    """By id and by hf://, with split and revision, from the hub's API on loopback. Nothing but a card is stored."""
    asked = [
        {"path": "org/set", "split": "test"},
        {"path": "hub:org/set", "split": "train", "limit": 2},
        {"path": "org/set", "split": "test", "revision": "v1"},
        {"path": "hf://datasets/org/set@v1/data/test.jsonl"},
        {"path": "hf://datasets/org/set/data", "split": "train"},
        {"path": "org/set"},
        {"path": "org/set", "split": "test", "revision": "v9"},
        {"path": "org/none", "split": "test"},
    ]
    with serving("org/set", {"main": NEW, "v1": OLD}) as address:
        env = os.environ | {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
        env |= {"HF_DATASETS_CACHE": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-c", READ, *map(json.dumps, asked)]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    new, old = commit_of(NEW), commit_of(OLD)
    assert found[:3] == [
        ["org/set:test", f"{new} None test", ["New?"]],
        ["org/set:train", f"{new} None train", ["Q0?", "Q1?"]],
        ["org/set:test", f"{old} None test", ["Old?"]],
    ]
    assert [name_rows[::2] for name_rows in found[3:5]] == [
        ["test.jsonl", ["Old?"]],
        ["train-0.jsonl", ["Q0?", "Q1?", "Q2?"]],
    ]
    assert found[5] == "org/set: holds several splits (train, test). Choose one with `split`"
    assert "Revision Not Found" in found[6] and "Repository Not Found" in found[7]
    assert all(text.startswith("org/") and "cannot be read as a data set on the hub" in text for text in found[6:])
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".jsonl", ".arrow")]


def test_a_data_set_that_was_fetched_is_read_offline(tmp_path: Path) -> None:
    """The rows and the identity are the same as on the hub. What is there in part is refused."""
    asked = [
        json.dumps({"path": "org/set", "split": split, "revision": at})
        for split, at in (("train", None), ("test", "v1"))
    ]
    fetch = "from polydistill.engine.files.hub import snapshot\nsnapshot('org/set', 'dataset', revision={!r})\n"
    env = os.environ | {"HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}

    def read(**variables: str) -> list:
        command = [sys.executable, "-c", READ, *asked]
        done = subprocess.run(command, env=env | variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    offline = {"HF_HUB_OFFLINE": "1"}
    assert all("HF_HUB_OFFLINE=1 forbids asking the hub" in text for text in read(**offline))
    with serving("org/set", {"main": NEW, "v1": OLD}) as address:
        online = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}
        found = read(**online)  # this stores the card
        assert all("HF_HUB_OFFLINE=1 forbids asking the hub" in text for text in read(**offline))
        for revision in (None, "v1"):
            command = [sys.executable, "-c", fetch.format(revision)]
            subprocess.run(command, env=env | online, capture_output=True, check=True)
    assert found[0][2] == ["Q0?", "Q1?", "Q2?"] and found[1][2] == ["Old?"]
    assert read(**offline) == found
    (gone,) = (tmp_path / "home").glob(f"hub/*/snapshots/{commit_of(NEW)}/data/test.jsonl")
    gone.unlink()  # a file of another split than the one that is read: still not the whole data set
    assert "is incomplete: 1 file(s) are missing (data/test.jsonl)" in read(**offline)[0]


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    (source,) = open_sources([PromptSource(path="hub:no-such-org/no-such-set")], "en")
    with pytest.raises(UserError, match=r"no-such-org/no-such-set: no such file or folder here, and cannot be read"):
        source.input()


@pytest.mark.parametrize("name", ["empty", "nothing.jsonl"])
def test_a_source_without_rows_is_said_before_reading(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=name):
        open_sources([PromptSource(path=str(tmp_path / name))], "en")
