"""Every kind of file of a finished run x every damage x every step: the same bytes as without damage, or one sentence.

The sentence names the file and the way out. It is never a traceback, and never are there other data. The run is made
once, with stand-ins for translator and judge, a small server that answers for the student, a tiny student that is
really trained, and a stand-in that answers the benchmark. Each case damages one file of a copy and runs every step.

The suite takes every file kind with one damage each. All of them, half an hour more: POLYDISTILL_DAMAGE=all
"""

import contextlib
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.standins import Standins
from polydistill.cli import mix as mix_command
from polydistill.cli.errors import sentence
from polydistill.engine.config import Student, Synthesis
from polydistill.engine.generation.answers import Answers
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis import actors, pipeline
from polydistill.engine.synthesis.answer_actors import RemoteActor
from polydistill.engine.synthesis.reporting.report import known_report, write_report
from polydistill.engine.synthesis.summary import StageRecord, Tally
from polydistill.eval.run import evaluate
from polydistill.inspection.describe import describe
from polydistill.run import Run
from polydistill.trainer.artifact import refuse_damaged
from polydistill.trainer.run import launch
from polydistill.verification import verify
from tests.engine.generation.server_fixture import Server
from tests.eval.stand_in import StandIn
from tests.eval.tasks.reading import BELEBELE, jsonl
from tests.trainer.conftest import write_student

pytestmark = pytest.mark.slow
RECIPE, MODEL = "t_sft", "models/t_sft-seed0"
TARGETS = ["deu_Latn", "jpn_Jpan"]
WHOLE = os.environ.get("POLYDISTILL_DAMAGE") == "all"
CARD = "README.md"
"""A model's card is text for people. It may be changed, and a model with another card is asked again."""
WAY_OUT = re.compile(r"\b(Run|run|Delete|delete|Restore|restore|Use|use|Copy|another)\b")


# --- the run, and its steps in this process ---


class _NoMonitor:
    """Answers no call: the stages then count as with a monitor that has died."""

    def __getattr__(self, name: str) -> "_NoMonitor":
        return self

    def remote(self, *_: Any, **__: Any) -> None:
        import ray

        raise ray.exceptions.RayActorError


class _Forgetful(_NoMonitor):
    def remote(self, *_: Any, **__: Any) -> None:
        """Nothing is kept."""


class _Monitor:
    begin, end, figures = _NoMonitor(), _Forgetful(), _NoMonitor()


def stream_here(
    config: Synthesis,
    stages: actors.Stages,
    root: Folder,
    pending: dict[int, list[str]],
    rows: dict[int, int],
    digest: str,
) -> tuple[Tally, dict[str, StageRecord]]:
    """What `pipeline._run` does, one unit after the other, with its actors but without Ray."""
    assert config.student is not None
    monitor, tally = _Monitor(), Tally()
    unanswered = set(pending) - Answers(root / GENERATED).units()
    remote = RemoteActor(config.student, config.seed, root, monitor) if unanswered else None
    translate = actors.TranslateActor(stages, config.translate, config.work, "cpu", root, True, monitor)
    judge = actors.JudgeActor(stages, config.judge, config.translate, config.work, "cpu", root, digest, monitor)
    for unit, targets in pending.items():
        table = actors.assignments({unit: targets})
        if remote is not None and unit in unanswered:
            table = remote(table)
        judge(translate(table))
    return tally, {}


class Half(StandIn):
    """Answers every second question right, whatever the model's folder is called."""

    def __init__(self, path: str, student: Student) -> None:
        self.how = "half"


def synth(run: Path) -> dict[str, Any]:
    pipeline.synthesize(Run(config_of(run)).config, Standins())
    known_report(str(run)) or write_report(str(run))
    parts = ("prompts", "generated", "pool", "units")
    return files(run, lambda name: name.startswith(parts) or name in ("config.yaml", "fingerprint.json", "report.html"))


def mix(run: Path, out: str | None = None) -> dict[str, Any]:
    folder = f"{run}/mixtures/{RECIPE}" if out is None else f"{run}/{out}"
    nothing: dict[str, Any] = {"seed": None, "targets": None, "dictionaries": None, "parallel": None}
    mix_command.command([str(run)], recipe=RECIPE, out=folder, partial=False, set_=None, **nothing)
    return files(Path(folder), lambda name: name.endswith((".arrow", ".json")))


def train(run: Path, out: str = MODEL) -> dict[str, Any]:
    settings = Run(config_of(run)).config
    launch.train(
        f"{run}/mixtures/{RECIPE}", settings.student_to_train(), settings.train, f"{run}/{out}", progress=False
    )
    record = json.loads((run / out / "training.json").read_text())
    figures = [{key: row[key] for key in ("step", "loss", "learning_rate")} for row in record["curve"]]
    return {**files(run / out / "model", lambda name: name != CARD), "curve": figures}


def evaluation(run: Path, out: str = "eval") -> dict[str, Any]:
    settings = Run(config_of(run)).config
    models = {"base": settings.student_to_train().model, "trained": f"{run}/{MODEL}/model"}
    for model in models.values():
        refuse_damaged(model)  # as polydistill.steps.evaluate does
    evaluate(models, settings.evaluation(), settings.student_to_train(), f"{run}/{out}", Half)
    return files(run / out, lambda name: name.endswith((".json", ".arrow", ".md", ".csv")) and name != "pace.json")


def inspection(run: Path) -> dict[str, Any]:
    found = {}
    for folder in (".", f"mixtures/{RECIPE}", MODEL, "eval"):
        value = describe(str(run / folder))
        found[folder] = value.text() + json.dumps(value.values())
    return found


def verification(run: Path) -> dict[str, Any]:
    found = verify(str(run))
    problems = [problem for entry in found for problem in entry.problems]
    if problems:
        raise DamageFoundError("\n".join(problems))
    return {entry.path: entry.kind for entry in found}


class DamageFoundError(ValueError):
    """`polydistill verify` says what is wrong."""


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "synth": synth,
    "mix": mix,
    "train": train,
    "eval": evaluation,
    "inspect": inspection,
    "verify": verification,
    # What is there is not looked at: what these make shows whether damaged files of the step before are read.
    "mix anew": lambda run: mix(run, "anew"),
    "train anew": lambda run: train(run, "models/anew"),
    "eval anew": lambda run: evaluation(run, "anew"),
}
FEEDS = {"mix anew": ("prompts", "pool", "units", "config"), "train anew": ("mixtures",), "eval anew": ("models",)}


def files(folder: Path, wanted: Callable[[str], bool]) -> dict[str, Any]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: (folder / name).read_bytes() for name in names if wanted(name) and ".lock" not in name}


def config_of(run: Path) -> dict[str, Any]:
    return json.loads((run.parent / "run.json").read_text())


@pytest.fixture(scope="module")
def steps_here(one_rank: None) -> Iterator[None]:
    """The steps run in this process: no Ray, and training as its only rank."""
    from polydistill.engine import cluster
    from polydistill.trainer.run import rank

    def fit(mixture: str, student: Any, train: Any, out: str, who: Any, progress: bool) -> None:
        rank.run(mixture, student, train, out, who)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_run", stream_here)
        patch.setattr(launch, "_fit", fit)
        patch.setattr(cluster, "cluster", lambda address=None: contextlib.nullcontext())
        yield


@pytest.fixture(scope="module")
def root(steps_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a finished run in `run`, its copy in `whole`, and what each step gives in `expected`."""
    root, server = tmp_path_factory.mktemp("matrix"), Server()
    rows = [{"instruction": f"Count to {i}.", "input": "", "output": f"1 to {i}"} for i in range(8)]
    (root / "prompts.json").write_text(json.dumps([*rows, {"instruction": "No answer."}]))
    for language in ("eng_Latn", *TARGETS):
        questions = [{**BELEBELE, "question_number": i, "correct_answer_num": str(1 + i % 4)} for i in range(6)]
        jsonl(root / f"data/belebele/{language}.jsonl", *questions)
    config = {
        "output": str(root / "run"),
        "targets": TARGETS,
        "prompts": {"path": str(root / "prompts.json")},
        "translate": {"model": "stand-in"},
        "student": {"model": write_student(root / "student"), "prompt": "raw", "endpoint": server.url},
        "recipe": RECIPE,
        "work": {"unit_rows": 4},
        "train": {
            **{"steps": 2, "max_tokens": 256, "packs": 1, "learning_rate": 0.003, "checkpoint_steps": 1},
            **{"checkpoint_minutes": None, "log_steps": 1, "loggers": []},
        },
        "eval": {"tasks": ["belebele"], "data": str(root / "data"), "resamples": 100},
    }
    (root / "run.json").write_text(json.dumps(config))
    for step in ("synth", "mix", "train", "eval"):
        STEPS[step](root / "run")
    shutil.copytree(root / "run", root / "whole")
    yield root
    server.http.shutdown()


@pytest.fixture(scope="module")
def expected(root: Path) -> dict[str, dict[str, Any]]:
    """What each step gives on the undamaged run."""
    found = {}
    for step, act in STEPS.items():
        fresh(root)
        found[step] = act(root / "run")
    return found


def fresh(root: Path) -> Path:
    shutil.rmtree(root / "run")
    shutil.copytree(root / "whole", root / "run")
    return root / "run"


# --- the damages ---


def swap(path: Path, draw: random.Random) -> None:
    """Change places with a sibling: a file of the same ending, in the same folder where there is one."""
    run = next(parent for parent in path.parents if parent.name == "run")
    others = [one for one in sorted(run.rglob(f"*{path.suffix}")) if one.is_file() and one != path and one.name != CARD]
    near = [one for one in others if one.parent == path.parent]
    other = draw.choice(near or others or sorted(run.rglob("*.json")))
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "deleted": lambda path, draw: path.unlink(),
    "truncated": lambda path, draw: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path, draw: path.write_bytes(b""),
    "flipped": flip,
    "swapped": swap,
    "zeroed": lambda path, draw: path.write_bytes(bytes(path.stat().st_size)),
}


def kinds(run: Path) -> list[str]:
    """One file of each kind: names that differ in their numbers, languages and models only are one kind."""
    found = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        if path.is_file() and path.stat().st_size and not name.endswith((".lock", CARD)):
            found[re.sub(r"\d+|[a-z]{3}_[A-Z][a-z]{3}|base|trained", "#", name)] = name
    return sorted(found.values())


@dataclass(frozen=True)
class Case:
    name: str
    damage: str

    def steps(self) -> list[str]:
        return [step for step in STEPS if self.name.startswith(FEEDS.get(step, ""))]


def failures(root: Path, case: Case, expected: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What is wrong with the outcome of each step on the damaged run."""
    for step in case.steps():
        run = fresh(root)
        draw = random.Random(f"{case.name} {case.damage}")
        before = files(run, lambda name: True)
        DAMAGES[case.damage](run / case.name, draw)
        altered = {name for name, data in before.items() if files(run, lambda one: True).get(name) != data}
        where = f"{case.name} {case.damage}, {step}"
        try:
            found = STEPS[step](run)
        except Exception as error:
            text = str(error) if isinstance(error, DamageFoundError) else sentence(error)
            if text is None:
                yield f"{where}: {type(error).__name__}: {error}"
            elif not _is_said(text, altered):
                yield f"{where}: no file or no way out is named: {text}"
        else:
            differs = [key for key in expected[step].keys() | found.keys() if found.get(key) != expected[step].get(key)]
            lines = [line for text in found.values() for line in text.splitlines()] if step == "inspect" else []
            if differs and not any(line.startswith("missing") and _is_said(line, altered) for line in lines):
                yield f"{where}: other data in {', '.join(sorted(differs)[:5])}"
            elif step == "verify" and any(_recorded(name) for name in altered):
                yield f"{where}: {altered} is damaged, and verify says nothing"


def _is_said(text: str, altered: set[str]) -> bool:
    """Whether a text names an altered file and a way out."""
    return any(Path(name).name in text for name in altered) and bool(WAY_OUT.search(text))


def _recorded(name: str) -> bool:
    """Whether a file is one of an artifact's, whose content somebody relies on."""
    own = ("prompts/", "generated/", "pool/", "units/", f"{MODEL}/model/", f"{MODEL}/training.json", "eval/answers/")
    own += ("eval/metrics.json", "config.yaml", "fingerprint.json")
    return name.startswith(own) or (name.startswith("mixtures/") and not name.endswith(".lock"))


@pytest.mark.timeout(6000 if WHOLE else 1200)
def test_damage_changes_nothing_or_is_said(
    root: Path, expected: dict[str, dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    names = kinds(root / "whole")
    draw = random.Random(0)
    cases = [Case(name, damage) for name in names for damage in (DAMAGES if WHOLE else [draw.choice([*DAMAGES])])]
    wrong = [problem for case in cases for problem in failures(root, case, expected)]
    said = capfd.readouterr()
    assert not wrong, f"{len(wrong)} of {len(cases)} cases:\n" + "\n".join(wrong)
    assert "Traceback" not in said.out + said.err
    assert len(names) > 20, names
