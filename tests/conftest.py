"""What all tests share: an offline environment, real data, the small world, one Ray instance; slow tests come last."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from polydistill.engine import environment

os.environ["HF_HUB_OFFLINE"] = "1"
# Processes that tests start import the folders of the repository as the tests do (`pythonpath` in pyproject.toml).
ROOT = str(Path(__file__).parent.parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH"))))
environment.prepare()

# Shared machines stall: no deadlines. The same examples in every run, so that a failure can be repeated.
settings.register_profile("polydistill", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("polydistill")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, then trainings in this process; GPU tests only where there is a GPU.

    vLLM's engines destroy the process group of the process that they run in, also one that is not theirs.
    """

    def turn(item: pytest.Item) -> int:
        slow = item.get_closest_marker("slow") is not None
        return slow + (slow and "one_rank" not in getattr(item, "fixturenames", ()))

    items.sort(key=turn)
    for item in items:
        if item.get_closest_marker("gpu") and not environment.has_gpu():
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the real data."""
    folder = os.environ.get("POLYDISTILL_DATA")
    if not folder:
        pytest.skip("POLYDISTILL_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def tiny() -> Path:
    """tinyworld's folder, from its cache or its shipped weights where they fit."""
    from polydistill.tinyworld.build import build

    return Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray instance for all tests that need one. Stages ask for fractions of its two CPUs."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def one_rank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A process group of this process alone: one for all tests, since DeepSpeed keeps the first that it sees."""
    import torch.distributed as dist

    from polydistill.trainer.distributed import deepspeed_engine

    os.environ |= {"DS_ACCELERATOR": "cpu", "LOCAL_RANK": "0"}
    deepspeed_engine.prepare()
    store = tmp_path_factory.mktemp("group") / "ranks"
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield
    if dist.is_initialized():
        dist.destroy_process_group()
