"""The package's face: light to import, from anywhere, and what a stranger would try first."""

import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import polydistill

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "ray", "vllm", "transformers", "numpy", "pyarrow", "pydantic")


def python(code: str, cwd: Path, path: Path) -> str:
    """What `code` prints in a new interpreter, in folder `cwd`, with `path` in front of what is installed."""
    environment = os.environ | {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_name_of_the_api_exists_and_is_documented():
    for name in polydistill.__all__:
        value = getattr(polydistill, name)
        assert name == "__version__" or value.__doc__, name
    assert set(polydistill.__all__) <= set(dir(polydistill))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = polydistill.nothing


def test_importing_loads_nothing_heavy(tmp_path):
    code = f"import sys, polydistill, polydistill.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code, tmp_path, ROOT).strip() == "[]"


def test_help_takes_no_time(tmp_path):
    """A third of a second of the processor, twice that on a busy machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert "Before a run" in python("from polydistill.cli.main import main; main(['--help'])", tmp_path, ROOT)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.9


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The unpacked wheel, built from a copy of the tree."""
    from setuptools import build_meta

    copy = tmp_path_factory.mktemp("tree") / "polydistill"
    skip = shutil.ignore_patterns(".*", "out", "build", "dist", "docs", "tests", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=skip)
    before = os.getcwd()
    os.chdir(copy)
    try:
        name = build_meta.build_wheel(str(copy / "dist"))
    finally:
        os.chdir(before)
    unpacked = copy.parent / "unpacked"
    with zipfile.ZipFile(copy / "dist" / name) as file:
        file.extractall(unpacked)
    return unpacked


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    tops = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"polydistill"}
    for part in ("engine/errors.py", "trainer/config.py", "eval/reporting/report.html", "configs/recipes/sdrrl.yaml"):
        assert (wheel / "polydistill" / part).is_file(), part
    assert (wheel / "polydistill/tinyworld/weights/student/model.safetensors").is_file()


def test_the_wheel_works_in_a_folder_with_modules_of_the_same_names(wheel, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/__init__.py").write_text("raise SystemExit('the wrong configs')")
    for name in ("eval", "engine", "trainer", "run"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')")
    code = (
        "import sys; sys.path.insert(0, '')\n"
        "import polydistill\n"
        "print(polydistill.__file__, polydistill.load_recipe('sdrrl').name, polydistill.Run)"
    )
    printed = python(code, tmp_path, wheel)
    assert str(wheel) in printed and "sdrrl" in printed
