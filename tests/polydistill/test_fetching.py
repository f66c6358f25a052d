import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.fetching import Item, describe, download, files, wanted
from polydistill.run_config import RunConfig, load_run
from polydistill.templates import RUNS


def test_a_run_names_its_models_and_data_sets():
    found = {item.name: item.kind for item in wanted(load_run(RUNS / "one_gpu.yaml"))}
    assert found == {
        "meta-llama/Llama-2-7b-hf": "model",
        "facebook/nllb-200-3.3B": "model",
        "Unbabel/wmt22-cometkiwi-da": "model",
        "tatsu-lab/alpaca": "dataset",
        "facebook/belebele": "dataset",
    }


@pytest.mark.parametrize("name", ["one_gpu", "eight_gpus", "cluster"])
def test_everything_that_a_shipped_run_reads_can_be_fetched(name):
    run = load_run(RUNS / f"{name}.yaml")
    items, found = {item.key for item in wanted(run)}, {each.key: each for each in files(run)}
    assert {"student.model", "translate.model", "judge.quality.model", "prompts.path"} <= items
    assert {"dictionaries.path", "parallel.path"} <= set(found)
    assert run.eval and {f"eval.tasks.{task.task}" for task in run.eval.tasks} <= {*items, *found}
    if name == "one_gpu":
        assert "en-ja.txt" in {each.name for each in found["dictionaries.path"].wanted}
        assert "devtest/jpn_Jpan.devtest" in {each.name for each in found["eval.tasks.flores"].wanted}


@pytest.mark.parametrize(
    ("name", "models", "folders"),
    [
        ("laptop", {"prompts.path"}, set()),
        (
            "small_real",
            set(),
            {"prompts.path", "dictionaries.path", "parallel.path"}
            | {f"eval.tasks.{task}" for task in ("xquad", "mgsm", "off_target")},
        ),
    ],
)
def test_everything_that_a_small_run_reads_can_be_fetched(name, models, folders):
    run = load_run(RUNS / f"{name}.yaml")
    assert {item.key for item in wanted(run)} == {"student.model", "translate.model"} | models
    assert {each.key for each in files(run)} == folders
    for each in files(run):
        assert each.wanted, f"{each.key}: nothing of {each.source.title} is wanted"
    if name == "small_real":  # the very files that the run names
        (rows,) = (each for each in files(run) if each.key == "prompts.path")
        named = [run.prompts[0].path, *(given.path for given in run.prompts[0].translations.values())]
        assert {str(rows.folder / one.name) for one in rows.wanted} == set(named)


def test_local_files_are_not_fetched(tmp_path):
    (tmp_path / "nllb").mkdir()
    sections = {"output": "out", "targets": ["de"], "prompts": {"path": str(tmp_path / "rows.json")}}
    assert wanted(RunConfig.model_validate(sections | {"translate": {"model": str(tmp_path / "nllb")}})) == []


def test_an_item_says_size_and_license():
    item = Item("translate.model", "facebook/nllb-200-3.3B", "model", 17_600_000_000, "cc-by-nc-4.0")
    assert "17.60 GB" in str(item) and "license: cc-by-nc-4.0" in str(item) and "(translate.model)" in str(item)


FILES = {"config.json": b"{}", "model.safetensors": b"weights", "pytorch.onnx": b"unneeded", "README.md": b"# A model"}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub on this machine with one model, and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            name = self.path.rpartition("/")[2]
            known = "/resolve/" in self.path and name in FILES
            self.answer(200 if known else 404, FILES.get(name, b"") if known else b"", {"ETag": f'"{name}"'})

        def do_GET(self):
            asked.append(self.path)
            if "/resolve/" in self.path:
                self.do_HEAD()
                self.wfile.write(FILES[self.path.rpartition("/")[2]])
            elif "/tree/" in self.path:
                rows = [{"type": "file", "path": n, "size": len(c), "oid": n} for n, c in FILES.items()]
                self.json(rows)
            elif self.path.startswith("/api/models/org/model"):
                siblings = [{"rfilename": name, "size": len(content)} for name, content in FILES.items()]
                self.json({"id": "org/model", "sha": COMMIT, "tags": ["license:apache-2.0"], "siblings": siblings})
            else:
                self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})

        def json(self, value):
            content = json.dumps(value).encode()
            self.answer(200, content, {"Content-Type": "application/json"})
            self.wfile.write(content)

        def answer(self, code, content, headers):
            self.send_response(code)
            for name, value in ({"Content-Length": len(content), "X-Repo-Commit": COMMIT} | headers).items():
                self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, *_):
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{served.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield asked
    served.shutdown()


COMMIT = "0" * 40


def test_a_model_is_described_fetched_and_then_here(hub):
    item = describe(Item("student.model", "org/model", "model"))
    assert (item.size, item.license, item.present) == (2 + 7 + 9, "apache-2.0", False)
    folder = Path(download(item))
    assert (folder / "model.safetensors").read_bytes() == b"weights" and not (folder / "pytorch.onnx").exists()
    again = describe(item)
    assert again.present and again.size == 0
    (folder / "model.safetensors").resolve().unlink()  # what was not fetched to its end is missing
    assert describe(item).size == 7


def test_a_model_that_the_hub_does_not_have(hub):
    with pytest.raises(UserError, match=r"student\.model: the hub has no model org/nothing"):
        describe(Item("student.model", "org/nothing", "model"))


def test_a_hub_that_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"org/model is not here, and the hub cannot be reached"):
        describe(Item("student.model", "org/model", "model"))
