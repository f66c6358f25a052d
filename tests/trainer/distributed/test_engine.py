"""DeepSpeed's engine has everything that the protocol names."""

import inspect

import pytest

from polydistill.trainer.distributed.engine import Engine


@pytest.mark.slow
def test_deepspeeds_engine_fits() -> None:
    from polydistill.engine import environment

    environment.prepare()
    from deepspeed import DeepSpeedEngine

    methods = {name for name, value in vars(Engine).items() if inspect.isfunction(value)}
    methods -= {name for name in methods if name.startswith("_no_init")}  # those of Protocol itself
    assert {name for name in methods if not hasattr(DeepSpeedEngine, name)} == set()
