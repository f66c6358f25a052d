"""What docs/cluster.md says of Ray holds for the installed version."""

import subprocess
import sys
from pathlib import Path

import pytest

TOKENS = """
import os
from pathlib import Path

from ray._private.authentication import authentication_token_setup as setup
from ray._raylet import AuthenticationTokenLoader

loader, home = AuthenticationTokenLoader.instance(), Path.home()


def token():
    loader.reset_cache()
    return loader.get_raw_token(ignore_auth_mode=True) if loader.has_token(ignore_auth_mode=True) else None


print(token(), setup.maybe_enable_token_auth_if_token_available(False))
(home / ".ray").mkdir()
(home / ".ray" / "auth_token").write_text("default")
print(token(), setup.maybe_enable_token_auth_if_token_available(False))
(home / "other").write_text("named")
os.environ["RAY_AUTH_TOKEN_PATH"] = str(home / "other")
print(token())
os.environ["RAY_AUTH_TOKEN"] = "variable"
print(token())
"""


def test_where_a_token_is_looked_for_and_when_it_is_asked(tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", TOKENS], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["None False", "default True", "named", "variable"]


def test_ray_start_stops_without_a_token(tmp_path: Path) -> None:
    from ray._private.authentication.authentication_constants import (
        TOKEN_AUTH_ENABLED_BUT_NO_TOKEN_FOUND_ERROR_MESSAGE as MESSAGE,
    )

    code = "from ray._private.authentication import authentication_token_setup as setup\n"
    code += "setup.ensure_token_if_auth_enabled(None, create_token_if_missing=False)"  # what `ray start` calls
    variables = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "RAY_AUTH_MODE": "token"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables)
    assert done.returncode != 0 and MESSAGE[:40] in done.stderr


@pytest.mark.parametrize(("given", "variable", "wanted"), [("auto", "h:1", "h:1"), ("h:2", "h:1", "h:2")])
def test_auto_is_ray_address_and_an_address_is_itself(
    given: str, variable: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._private import services

    monkeypatch.setenv("RAY_ADDRESS", variable)
    monkeypatch.setattr(services, "resolve_ip_for_localhost", lambda host: host)
    assert services.canonicalize_bootstrap_address(given) == wanted


def test_a_container_s_quota_counts_as_its_processors(tmp_path: Path) -> None:
    """cgroup v2 has it in cpu.max. There is no argument for v2's CPU sets."""
    from ray._private.utils import _get_docker_cpus

    quota, nowhere = tmp_path / "cpu.max", str(tmp_path / "nowhere")
    quota.write_text("800000 100000\n")
    assert _get_docker_cpus(nowhere, nowhere, nowhere, str(quota)) == 8
    quota.write_text("max 100000\n")
    assert _get_docker_cpus(nowhere, nowhere, nowhere, str(quota)) is None


def test_symmetric_run_s_variable_and_refusal() -> None:
    import inspect

    from ray.scripts import symmetric_run

    text = inspect.getsource(symmetric_run)
    script = (Path(__file__).parents[2] / "deploy/slurm.sh").read_text(encoding="utf-8")
    assert "RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT" in text and "RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=" in script
    assert "Ray is already started on this node" in text
