"""What goes wrong in people's first hour: each mistake ends within seconds, with one message and no traceback."""

import json
import time
from pathlib import Path

import pytest
import yaml

from polydistill.cli.main import main

DEMO = Path(__file__).parents[3] / "configs/runs/demo.yaml"
NESTED = [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi")]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(NESTED)


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny) -> Path:
    """A folder with run.yaml, which is right, and files that are wrong in many ways."""
    home = tmp_path_factory.mktemp("home")
    run = json.loads(json.dumps(yaml.safe_load(DEMO.read_text())).replace("out/tinyworld", str(tiny.resolve())))
    run |= {"output": "out", "prompts": {"path": "rows.json"}}
    (home / "rows.json").write_text((tiny / "instructions.json").read_text())
    (home / "run.yaml").write_text(yaml.safe_dump(run, allow_unicode=True))
    (home / "empty").mkdir()
    (home / "student").symlink_to((tiny / "models/student").resolve())
    (home / "a file").write_text("text")
    (home / "bad.yaml").write_text("output: [unclosed\n")
    (home / "binary.yaml").write_bytes(b"\x80\x04\x95\xff\xfe")
    (home / "list.yaml").write_text("- 1\n")
    (home / "date.yaml").write_text("output: 2001-13-45\n")
    (home / "bomb.yaml").write_text(BOMB)
    (home / "deep.yaml").write_text("a: " + "[" * 5000 + "]" * 5000)
    (home / "tag.yaml").write_text("output: !!python/object/apply:os.system [echo]\n")
    (home / "german.csv").write_text("Frage,Antwort\nWas?,Das.\n")
    (home / "excel.csv").write_bytes("instruction;output\r\nStraße?;Größe\r\n".encode("cp1252"))
    (home / "header.csv").write_text("instruction,output\n")
    (home / "page.json").write_text("<!DOCTYPE html><html><body>404: Not Found</body></html>")
    (home / "page.yaml").write_text("<!DOCTYPE html><html>404: Not Found</html>")
    (home / "lfs.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n")
    (home / "twice.yaml").write_text("output: a\ntargets: [de]\noutput: b\n")
    (home / "notes.pdf").write_bytes(b"%PDF-1.4 \xff")
    (home / "broken.json.gz").write_bytes(b"\x1f\x8b\x08\x00junk")
    (home / "cut.json").write_text('[{"instruction": "a", "output": "b"},')
    return home


RUN = ("check", "run.yaml")


def with_set(*changes: str) -> tuple[str, ...]:
    return (*RUN, *(part for change in changes for part in ("--set", change)))


WRONG = {
    # the file
    "no file": (("check", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    "a folder": (("check", "empty"), "config.yaml is missing"),
    "bad YAML": (("check", "bad.yaml"), "bad.yaml: not valid YAML (line 2"),
    "binary": (("check", "binary.yaml"), "not a text file in UTF-8"),
    "a list": (("check", "list.yaml"), "expected keys and values, found list"),
    "a date": (("check", "date.yaml"), "Put it in quotes"),
    "a bomb": (("check", "bomb.yaml"), "the alias *a is not supported"),
    "deep": (("check", "deep.yaml"), "nested more than 30 levels"),
    "a Python object": (("check", "tag.yaml"), "not valid YAML"),
    "an old run": (("run", "empty"), "config.yaml is missing"),
    "a key twice": (("check", "twice.yaml"), "the key output stands twice (line 1 as well)"),
    "a web page": (("check", "page.yaml"), "none of its keys is known"),
    "rows as a run": (("run", "rows.json"), "`polydistill init run.yaml --prompts YOUR_ROWS` writes a run"),
    # --set
    "no key": (with_set("=5"), "--set =5: the key is not whole"),
    "unknown subset": (("mix", "empty", "--recipe", "sdrrl", "--set", "subsets.XX=null"), "subsets.XX"),
    "a name for a section": (with_set("student=gpt2"), "student: expected keys and values, e.g. student: {model: ...}"),
    "a path for a list": (with_set("prompts=rows.json"), "prompts: expected a list, e.g. prompts: [{path: ...}]"),
    "no targets": (with_set("targets=[]"), "targets: expected a list of at least 1"),
    "a rate below 0": (with_set("train.learning_rate=-1"), "train.learning_rate: expected a number above 0"),
    "a rate and a letter": (with_set("train.learning_rate=1e-3x"), "expected a number or 'auto' (found '1e-3x')"),
    "a seed below 0": (with_set("seed=-1"), "seed: expected at least 0"),
    "half a value": (with_set("translate.beam=["), "--set translate.beam=[: not valid YAML"),
    "no value": (with_set("translate.beam"), "expected key=value"),
    "a section": (with_set("output.path=x"), "'output' is a value, not a section"),
    "unknown key": (with_set("translate.beem=3"), "translate.beem: unknown key"),
    "unknown language": (with_set("targets=[de,Klingon]"), "targets.1: unknown language 'Klingon'"),
    "wrong type": (with_set("seed=abc"), "seed: "),
    # data
    "no prompts": (with_set("prompts.path=nowhere.json"), "prompts.path: "),
    "source as target": (with_set("targets=[en,de]"), "targets: eng_Latn is the language of the prompts as well"),
    "unknown recipe": (with_set("recipe=sdrl"), "recipe: no recipe 'sdrl'"),
    "no dictionaries": (with_set("dictionaries.path=empty"), "dictionaries.path: no dictionary"),
    "rows behind https": (with_set("prompts.path=https://localhost:9/rows.json"), "prompts.path: "),
    "rows on the hub": (with_set("prompts.path=some/rows"), "HF_HUB_OFFLINE=1"),
    "wrong columns": (with_set("prompts.path=german.csv"), "Columns: Frage, Antwort. Say what they are with"),
    "another encoding": (with_set("prompts.path=excel.csv"), "none of the first 1 rows can be used (bad_utf8: 1)"),
    "no rows": (with_set("prompts.path=header.csv"), "header.csv: no rows in it"),
    "a page in place of rows": (with_set("prompts.path=page.json"), "page.json: a web page, not data"),
    "a pointer in place of rows": (with_set("prompts.path=lfs.json"), "Run `git lfs pull`"),
    "another kind of file": (with_set("prompts.path=notes.pdf"), "notes.pdf: unknown kind of file"),
    "a broken archive": (with_set("prompts.path=broken.json.gz"), "broken.json.gz: cannot be read"),
    "a cut file": (with_set("prompts.path=cut.json"), "cut.json"),
    "no pairs for a language": (with_set("parallel.rows={ja: 5}"), "parallel.rows: "),
    "no such folder": (with_set("dictionaries.path=nowhere"), "dictionaries.path: nowhere"),
    "no section": (with_set("dictionaries=null"), "dictionaries: recipe sdrrl needs this section"),
    "no parallel text": (with_set("parallel.path=empty"), "parallel.path: no parallel text"),
    "leakage": (with_set("leakage={against: [nowhere]}"), "leakage.against: nowhere"),
    # models
    "no student": (with_set("student.model=nowhere"), "student.model: nowhere: no such folder"),
    "hub, offline": (with_set("student.model=some/model"), "HF_HUB_OFFLINE=1"),
    "an empty student": (with_set("student.model=./empty"), "student.model: empty: the folder has no config.json"),
    "no chat template": (with_set("student.prompt=chat"), "the tokenizer has no chat template"),
    "engine argument": (with_set("student.engine.max_num_seq=3"), "Did you mean max_num_seqs?"),
    "no translator": (with_set("translate.model=./nowhere"), "translate.model: nowhere: no such folder"),
    "a student as translator": (with_set("translate.model=./student"), "which writes on instead of translating"),
    "compute type": (with_set("translate.compute_type=int3"), "translate.compute_type: int3 is not supported"),
    "no QE model": (with_set("judge.quality.model=./nowhere"), "judge.quality.model: nowhere: no such folder"),
    "no LID model": (with_set("judge.language_id=nowhere.bin"), "judge.language_id: nowhere.bin"),
    "no fastText model": (with_set("judge.language_id=rows.json"), "not a fastText model"),
    # evaluation
    "no benchmark": (with_set("eval.tasks=[belebelle]"), "eval.tasks.0.task"),
    "no data": (with_set("eval.data=empty"), "eval.tasks.belebele: "),
    "no COMET": (with_set("eval.comet=./nowhere"), "eval.comet: nowhere"),
    "no BLEU tokenizer": (with_set("eval.tasks=[{task: flores, bleu_tokenizer: flores9}]"), "bleu_tokenizer"),
    "no eval section": (("eval", "x", "--config", "run.yaml", "--set", "eval=null"), "no benchmark to evaluate on"),
    # the machine
    "output is a file": (with_set("output=a file"), "is a file, and a folder is expected"),
    "unwritable output": (with_set("output=/proc/none/out"), "output: /proc/none/out: cannot be written"),
    "too many GPUs": (with_set("work.generate.gpus=8"), "work.generate.gpus is 8"),
    "too many workers": (with_set("train.workers=999"), "train.workers: 999 workers"),
    "no cluster": (("synth", "run.yaml", "--address", "127.0.0.1:9"), "no Ray cluster answers at 127.0.0.1:9"),
    "no address": (("synth", "run.yaml", "--address", "gpu01"), "expected auto, or HOST:PORT"),
    # other commands
    "eval of no model": (("eval", "nowhere", "--tasks", "belebele", "--targets", "de"), "nowhere: no such folder"),
    "eval of rows": (("eval", "rows.json", "--tasks", "belebele", "--targets", "de"), "rows.json: no such folder"),
    "compare without a pool": (("compare", "run.yaml", "--recipes", "sft"), "no pool here"),
    "no epochs": (
        ("compare", "run.yaml", "--recipes", "sft", "--epochs", "0"),
        "--epochs 0: expected a number above 0",
    ),
    "calibrate on nothing": (("calibrate", "nowhere.tsv"), "nowhere.tsv: no such file"),
    "laws of nobody": (("allocate", "nowhere.json", "--budget", "10"), "nowhere.json: cannot be read"),
    "inspect nothing": (("inspect", "empty"), "neither a run"),
    "learning rates": (("compare", "run.yaml", "--learning-rates", "abc"), "--learning-rates abc: expected numbers"),
    "a limit of 0": (("allocate", "rows.json", "--budget", "10", "--limit", "a=0"), "rows.json: not a file of"),
    "unknown step": (("check", "run.yaml", "--steps", "synth,mixx"), "no step 'mixx'"),
    "init over a file": (("init", "run.yaml"), "run.yaml exists"),
    "init of nothing": (("init", "new.yaml", "--kind", "phone"), "no such run file. There are:"),
    "mix without a run": (("mix", "empty"), "no pool here"),
    "train on nothing": (("train", "empty", "--student", "student", "--out", "out"), "mixture: "),
    "train on a missing file": (("train", "empty", "--config", "nowhere.yaml", "--out", "out"), "cannot be read"),
    "eval of no benchmark": (("eval", "student", "--tasks", "belebel", "--targets", "de"), "did you mean belebele?"),
    "eval of no language": (("eval", "student", "--tasks", "belebele", "--targets", "xx"), "unknown language 'xx'"),
    "export of nothing": (("export", "empty", "--format", "messages", "--out", "x"), "empty"),
    "show of nothing": (("show", "empty"), "empty"),
    "plan for another card": (("plan", "run.yaml", "--gpu", "tpu"), "--gpu tpu: no figures for it"),
    "plan for no lengths": (("plan", "run.yaml", "--prompts", "9", "--chars", "x"), "--chars x: expected"),
    "plan without rows": (
        ("plan", "run.yaml", "--set", "prompts.path=nowhere.json"),
        "To plan without reading any file, give --prompts N --chars Q,A",
    ),
    "fetch, offline": (("fetch", "run.yaml", "--set", "student.model=some/model"), "the hub cannot be reached"),
    "init without rows": (("init", "new.yaml", "--prompts", "nowhere.csv"), "--prompts nowhere.csv: no such file"),
    "compare says it as well": (("compare", "run.yaml", "--recipes", "sft,sdrl"), "no recipe 'sdrl'"),
    "synth says it as well": (("synth", "run.yaml", "--set", "translate.model=./nowhere"), "nowhere: no such folder"),
    "run says it as well": (("run", "run.yaml", "--set", "recipe=sdrl"), "no recipe 'sdrl'"),
}


def polydistill(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and everything that a command prints."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    printed = capfd.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_ends_with_one_message(name, home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    arguments, expected = WRONG[name]
    start = time.process_time()  # of all threads; the wall's would count what else the machine does
    code, printed = polydistill(capfd, *arguments)
    seconds = time.process_time() - start
    assert code == 2, printed
    assert expected in printed.replace(f"{home.resolve()}/", "").replace(f"{home}/", "")
    assert "Traceback" not in printed
    assert printed.count("polydistill: ") == 1
    assert seconds < 10
    assert not (home / "out" / "pool").exists()


def test_there_are_forty_of_them():
    assert len(WRONG) >= 40


def test_all_problems_are_told_at_once(home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    code, printed = polydistill(capfd, *with_set("recipe=sdrl", "translate.model=./nowhere", "output=/proc/none/out"))
    assert code == 2 and "3 problems, nothing was started:" in printed
    assert printed.index("output:") < printed.index("translate.model:") < printed.index("recipe:")


def test_what_is_right_has_no_problem(home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    code, printed = polydistill(capfd, *RUN)
    assert code == 0, printed
    assert "run.yaml: no problem found" in printed
    assert not (home / "out").exists()


def test_one_language_needs_no_brackets(home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    assert polydistill(capfd, *with_set("targets=de"))[0] == 0


def test_this_machine_does_not_count_for_a_run_on_a_cluster(home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    assert polydistill(capfd, *with_set("train.workers=999"), "--cluster")[0] == 0


def test_debug_shows_the_traceback_wherever_it_stands(home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    code, printed = polydistill(capfd, *with_set("recipe=sdrl"), "--debug")
    assert code == 2 and "Traceback" in printed and "no recipe 'sdrl'" in printed


def test_a_mistyped_command_gets_a_suggestion(capfd):
    code, printed = polydistill(capfd, "snyth", "run.yaml")
    assert code == 2 and "Did you mean 'synth'?" in printed


def test_the_version(capfd):
    import polydistill as package

    assert polydistill(capfd, "--version") == (0, f"polydistill {package.__version__}\n")
