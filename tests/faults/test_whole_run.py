"""`polydistill run` as a whole on the small world, killed and asked to stop at any stage: the bytes of a quiet run.

A nightly test, since a run takes minutes: POLYDISTILL_KILLS=10 pytest THIS_FILE
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.faults.processes import descendants, kill
from tests.polydistill.cli.command import COMMAND

KILLS = int(os.environ.get("POLYDISTILL_KILLS", "0"))
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not KILLS, reason="a nightly test: POLYDISTILL_KILLS=10")]
SIGNS = [  # what is there when a stage has begun or ended, in the run's order
    *("run.lock", "prompts/manifest.json", "generated/000000.json", "units/*/*.json", "units/ind_Latn/000001.json"),
    *("mixtures/*/manifest.json", "models/*/tokens/manifest.json", "models/*/checkpoints/*/done.json"),
    *("models/*/training.json", "eval/answers/base/*/*.json"),
]


class WholeRun:
    """A run's folder and the command on it."""

    def __init__(self, folder: Path, world: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        rows = json.loads((world / "instructions.json").read_text())[:24]
        if not (folder / "prompts.json").exists():  # the prompts' record has the file's time
            (folder / "prompts.json").write_text(json.dumps(rows))
        engine = {"max_model_len": 256, "max_num_seqs": 8, "enforce_eager": True, "dtype": "float32"}
        models = world / "models"
        config = {
            "output": str(self.out),
            "targets": ["deu_Latn", "ind_Latn"],
            "prompts": {"path": str(folder / "prompts.json")},
            "student": {"model": str(models / "student"), "prompt": "raw", "max_tokens": 16, "engine": engine},
            "translate": {"model": str(models / "nllb"), "beam": 1, "max_output_tokens": 32},
            "recipe": "t_sft",
            "work": {"unit_rows": 12},
            "train": {
                **{"steps": 6, "max_tokens": 256, "packs": 1, "learning_rate": 0.001, "checkpoint_steps": 1},
                **{"checkpoint_minutes": None, "log_steps": 1, "loggers": [], "deepspeed": "zero0", "cpus": 0.5},
            },
            "eval": {"data": str(world / "eval"), "tasks": [{"task": "mkqa", "limit": 4}], "resamples": 100},
        }
        (folder / "run.yaml").write_text(json.dumps(config))  # JSON is YAML

    def start(self) -> "subprocess.Popen[str]":
        command = [*COMMAND, "run", "run.yaml"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def finish(self) -> None:
        process = self.start()
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err[-4000:]

    def results(self) -> dict[str, bytes]:
        """The final bytes of every step."""
        patterns = ("prompts/*", "generated/*", "pool/*/*", "units/*/*", "mixtures/*/*.*", "models/*/model/*")
        found = [path for one in (*patterns, "eval/answers/*/*/*", "eval/metrics.json") for path in self.out.glob(one)]
        files = [path for path in sorted(found) if path.is_file() and path.suffix != ".lock"]
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in files}

    def wait(self, process: "subprocess.Popen[str]", sign: str) -> bool:
        """Wait until there is what `sign` names; False where the process ended before."""
        end = time.monotonic() + 400
        while not any(self.out.glob(sign)):
            assert time.monotonic() < end, f"waited in vain for {sign}"
            if process.poll() is not None:
                return False
            time.sleep(0.02)
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def quiet(folder: Path, tiny: Path) -> dict[str, bytes]:
    """The bytes of a run that nothing happened to; {} where no kills are asked for."""
    if not KILLS:
        return {}
    run = WholeRun(folder, tiny.resolve())
    run.finish()
    found = run.results()
    assert len(found) > 30 and "eval/metrics.json" in found
    return found


@pytest.fixture
def run(folder: Path, quiet: dict[str, bytes], tiny: Path) -> WholeRun:
    """A run under the paths of the quiet one, which are in some records."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    return WholeRun(folder, tiny.resolve())


def family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return [psutil.Process(process.pid), *descendants(process.pid)]


def differing(run: WholeRun, quiet: dict[str, bytes]) -> list[str]:
    found = run.results()
    return sorted(name for name in found.keys() | quiet.keys() if found.get(name) != quiet.get(name))


@pytest.mark.timeout(300 + 240 * (KILLS + 2))
def test_kills_at_any_moment_change_nothing(run: WholeRun, quiet: dict[str, bytes]) -> None:
    chance = random.Random(KILLS)
    signs = [SIGNS[index] for index in sorted(chance.sample(range(len(SIGNS)), KILLS))]
    for number, sign in enumerate(signs):
        process = run.start()
        assert run.wait(process, sign), process.communicate()[1][-3000:]
        time.sleep(chance.uniform(0, 1))
        killed = family(process) if number % 2 else [psutil.Process(process.pid)]
        kill(killed)
        process.communicate()
        psutil.wait_procs(killed, timeout=30)
    run.finish()
    assert not quiet or not differing(run, quiet)
    assert not [path for path in run.out.rglob("*") if ".tmp-" in path.name]


STAGES: dict[str, tuple[str, Callable[[WholeRun], int]]] = {
    "synth": ("units/*/*.json", lambda run: len(list(run.out.glob("units/*/*.json")))),
    "train": ("models/*/log.jsonl", lambda run: len(list(run.out.glob("models/*/checkpoints/*/done.json")))),
    "eval": ("eval/answers/*/*/*.json", lambda run: len(list(run.out.glob("eval/answers/*/*/*.json")))),
}


@pytest.mark.timeout(1500)
def test_sigterm_stops_each_stage_and_says_how_to_go_on(run: WholeRun, quiet: dict[str, bytes]) -> None:
    for stage, (sign, kept) in STAGES.items():
        process = run.start()
        assert run.wait(process, sign), process.communicate()[1][-3000:]
        everyone = family(process)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        _, err = process.communicate(timeout=120)
        assert time.monotonic() - started < 90, f"{stage}: longer than the grace period of Slurm and Kubernetes allows"
        assert process.returncode in (2, 130), f"{stage}: {err[-3000:]}"
        assert "un the same command again" in err.splitlines()[-1], f"{stage}: {err[-3000:]}"
        assert "Traceback" not in err, f"{stage}: {err[-3000:]}"
        assert kept(run) > 0, stage
        assert not psutil.wait_procs(everyone, timeout=30)[1], f"{stage}: processes are left"
    run.finish()
    assert not quiet or not differing(run, quiet)
