import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from polydistill.engine.storage.pool import open_pool

HERE = Path(__file__).parent


@dataclass
class Run:
    """A synthesis run that tests can start, kill and start again."""

    folder: Path
    config: dict
    standins: dict

    def start(self, address: str | None = None) -> subprocess.Popen:
        (self.folder / "config.json").write_text(json.dumps(self.config))
        (self.folder / "standins.json").write_text(json.dumps(self.standins))
        command = [sys.executable, str(HERE / "driver.py"), "config.json", "standins.json"]
        return subprocess.Popen(
            command + ([address] if address else []),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, address: str | None = None) -> dict:
        """Run to the end; the figures it printed."""
        out, err = (process := self.start(address)).communicate(timeout=300)
        assert process.returncode == 0, err[-3000:]
        return json.loads(out.strip().splitlines()[-1])

    @property
    def output(self) -> Path:
        return Path(self.config["output"])

    def committed(self) -> int:
        return len(list((self.output / "units").glob("*/*.json")))

    def rows(self) -> dict[str, list[dict]]:
        """All pool rows by language, in order."""
        pool = open_pool(self.output)
        return {target: [row for table in pool.tables(target) for row in table.to_pylist()] for target in pool.targets}

    def shards(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.output)): p.read_bytes() for p in sorted(self.output.glob("pool/*/*.arrow"))}

    def calls(self, stage: str) -> int:
        """How often that stage was called, over all attempts."""
        return sum(line.startswith(stage) for line in Path(self.standins["log"]).read_text().splitlines())


def make(folder: Path, prompts: int = 240, unit_rows: int = 8, work: dict | None = None, **standins) -> Run:
    """A run over `prompts` numbered prompts, `unit_rows` in a unit, into German and Japanese."""
    folder.mkdir()
    rows = [{"instruction": f"Count to {i}.", "input": "", "output": f"1 to {i}"} for i in range(prompts)]
    (folder / "prompts.json").write_text(json.dumps(rows))
    config = {
        "output": str(folder / "out"),
        "targets": ["deu_Latn", "jpn_Jpan"],
        "prompts": {"path": str(folder / "prompts.json")},
        "translate": {"model": "stand-in"},
        "work": {"unit_rows": unit_rows, **(work or {})},
    }
    return Run(folder, config, {"log": str(folder / "calls.log"), **standins})


@pytest.fixture
def new_run(tmp_path):
    """Makes runs in this test's folder."""
    return lambda name="run", **settings: make(tmp_path / name, **settings)


@pytest.fixture(scope="session")
def quiet_run(tmp_path_factory):
    """A run that nothing happened to: what all others must equal."""
    run = make(tmp_path_factory.mktemp("faults") / "quiet")
    run.finish()
    return run


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of a size, e.g. "300k", where this process may; called again, it gives the same one room."""
    folder = tmp_path / "disk"

    def mount(size: str) -> Path:
        options = f"size={size}" if not folder.exists() else f"remount,size={size}"
        folder.mkdir(exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode:
            pytest.skip("may not mount a file system")
        return folder

    yield mount
    subprocess.run(["umount", "--lazy", folder], capture_output=True)
