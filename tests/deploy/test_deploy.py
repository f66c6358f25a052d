"""The files in deploy/ parse, and all that they name exists: files, options of Ray, commands, metrics."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HEAD_ONLY = {"--include-dashboard", "--port", "--redis-shard-ports"}
"""`ray start` refuses these on every machine but the head."""


def ray_options(command: str) -> dict[str, str]:
    """Options of a `ray` command by name, and the kinds of their values, from the installed package."""
    from ray.scripts import scripts

    found = scripts.cli.commands[command].params
    return {name: option.type.name for option in found for name in option.opts if name.startswith("--")}


@pytest.fixture(scope="module")
def start() -> dict[str, str]:
    return ray_options("start")


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "rayjob.yaml").read_text()))


@pytest.fixture(scope="module")
def cluster(documents: list[dict[str, Any]]) -> dict[str, Any]:
    (job,) = (document for document in documents if document["kind"] == "RayJob")
    return job["spec"]["rayClusterSpec"]


def groups(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def polydistill_options(command: list[str]) -> None:
    """Fails where a command line of ours has an unknown subcommand or option."""
    import typer

    from polydistill.cli.main import app

    known = typer.main.get_command(app).commands
    assert command[0] == "polydistill" and command[1] in known
    options = {name for option in known[command[1]].params for name in option.opts}
    assert {word.partition("=")[0] for word in command if word.startswith("--")} <= options


def test_every_group_has_existing_ray_options_and_mounts_what_it_names(cluster, start):
    for group in groups(cluster):
        for name, value in group["rayStartParams"].items():
            assert f"--{name}" in start and isinstance(value, str)
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        assert pod["securityContext"]["runAsNonRoot"] and pod["terminationGracePeriodSeconds"] >= 120
        assert container["lifecycle"]["preStop"]["exec"]["command"]
        assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_head_has_no_gpus_and_the_workers_have(cluster):
    assert cluster["headGroupSpec"]["rayStartParams"]["num-gpus"] == "0"
    gpus = [
        "nvidia.com/gpu" in group["template"]["spec"]["containers"][0]["resources"]["limits"]
        for group in groups(cluster)
    ]
    assert gpus == [False] + [True] * (len(gpus) - 1)


def test_the_job_runs_under_a_token_and_our_ray(cluster, documents):
    import ray

    assert cluster["authOptions"] == {"mode": "token"} and cluster["rayVersion"] == ray.__version__
    (job,) = (document for document in documents if document["kind"] == "RayJob")
    polydistill_options(shlex.split(job["spec"]["entrypoint"]))
    claims = {document["metadata"]["name"] for document in documents if document["kind"] == "PersistentVolumeClaim"}
    for group in groups(cluster):
        volumes = group["template"]["spec"]["volumes"]
        assert {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v} == claims


def test_credentials_are_secrets(cluster):
    """No file has a value for a variable that holds a secret, and the object store's come from a Secret."""
    for group in groups(cluster):
        container = group["template"]["spec"]["containers"][0]
        assert [set(source) for source in container["envFrom"]] == [{"secretRef"}]
        assert not [one for one in container["env"] if re.search("KEY|TOKEN|SECRET|PASSWORD", one["name"])]
    assert not re.search(r"(KEY|TOKEN|SECRET|PASSWORD)\s*=", (DEPLOY / "Dockerfile").read_text())


def test_the_head_s_hook_stops_the_driver_and_waits(cluster, tmp_path):
    """The hook, run on a stand-in for the driver: it gets SIGTERM, and the hook ends after it."""
    command = cluster["headGroupSpec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    name = f"{tmp_path.name}-bin/polydistill run"
    text = command[-1].replace("[b]in/polydistill run", f"[{name[0]}]{name[1:]}")
    assert text != command[-1]
    note = tmp_path / "stopped"
    script = f"trap 'sleep 1; touch {note}; exit' TERM; while true; do sleep 0.1; done"
    driver = subprocess.Popen(["bash", "-c", script, name])
    try:
        subprocess.run([*command[:-1], text], timeout=30, check=False, capture_output=True)
        assert note.exists() and driver.wait(10) == 0
    finally:
        driver.kill()


def test_slurm_script_is_bash():
    checked = subprocess.run(["bash", "-n", str(DEPLOY / "slurm.sh")], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def symmetric_run() -> list[str]:
    text = (DEPLOY / "slurm.sh").read_text().replace("\\\n", " ")
    (line,) = (line for line in text.splitlines() if "ray symmetric-run" in line)
    words = shlex.split(line.rstrip("& "))
    return words[words.index("ray") + 2 :]


def test_slurm_s_ray_options_exist_on_all_nodes(start):
    words = symmetric_run()
    own = ray_options("symmetric-run")
    options = [word.partition("=")[0] for word in words[: words.index("--")] if word.startswith("--")]
    assert set(own) <= set(options)
    for option in options:
        assert option in own or (option in start and option not in HEAD_ONLY), option


def test_slurm_s_command_is_ours():
    words = symmetric_run()
    bash, flag, script, *arguments = words[words.index("--") + 1 :]
    assert (bash, flag, len(arguments)) == ("bash", "-c", 2)
    polydistill_options(shlex.split(script.partition("exec ")[2]))


DRIVER = """#!/bin/bash
echo "$@" > {out}/asked
trap 'sleep 1; echo in order > {out}/stopped; exit 130' TERM
stat -c %a "$RAY_AUTH_TOKEN_PATH" > {out}/mode
while true; do sleep 0.1; done
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins for Slurm, Ray and us in an environment's folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    texts = {
        "srun": '#!/bin/bash\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"\n',
        "scontrol": f'#!/bin/bash\necho "$@" > {tmp_path}/requeued\n',
        "polydistill": DRIVER.format(out=tmp_path),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    (folder / "activate").write_text(f"export PATH={folder}:$PATH\n")
    return tmp_path


def test_slurm_s_driver_gets_the_signal_and_the_job_is_queued_again(programs):
    """The whole script: the driver alone is told, and the script waits for what it does."""
    variables = {"PATH": "/usr/bin:/bin", "SHARED": f"{programs}/shared", "VENV": str(programs), "HEAD_IP": "10.0.0.1"}
    variables |= {"SLURM_JOB_ID": "77", "SLURM_JOB_NUM_NODES": "4"}
    command = ["bash", str(DEPLOY / "slurm.sh"), "run.yaml"]
    with (programs / "output.log").open("w") as output:
        script = subprocess.Popen(command, env=variables, stderr=output, start_new_session=True)
    mode = programs / "mode"
    end = time.monotonic() + 30
    try:
        while not (mode.exists() and mode.read_text()):
            assert script.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        script.terminate()
        assert script.wait(30) == 130, (programs / "output.log").read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(script.pid, signal.SIGKILL)
    assert (programs / "stopped").read_text() == "in order\n"
    assert (programs / "requeued").read_text() == "requeue 77\n"
    assert (programs / "asked").read_text() == "run run.yaml --address 10.0.0.1:20077\n"
    assert mode.read_text() == "600\n"  # of the token's file
    assert not (programs / "shared/jobs/77").exists()


def instructions() -> Iterator[tuple[str, list[str]]]:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, shlex.split(rest)


def test_the_dockerfile_copies_what_exists_and_all_that_setup_needs():
    copied: set[str] = set()
    for name, words in instructions():
        if name == "COPY":
            sources = [word for word in words if not word.startswith("--")][:-1]
            assert all((ROOT / source).exists() for source in sources)
            copied |= set(sources)
    links = {path.readlink().parts[-1] for path in (ROOT / "polydistill").iterdir() if path.is_symlink()}
    assert links and links | {"polydistill", "requirements", "Makefile", "pyproject.toml"} <= copied
    project = (ROOT / "pyproject.toml").read_text()
    assert set(re.findall(r'readme = "(.*)"', project) + re.findall(r'license-files = \["(.*)"\]', project)) <= copied


def test_the_image_runs_without_privileges_and_takes_either_set():
    found = list(instructions())
    users = [words for name, words in found if name == "USER"]
    assert users and users[-1] != ["root"]
    (argument,) = (words[0] for name, words in found if name == "ARG" and words[0].startswith("EXTRA"))
    assert argument == "EXTRA=cpu"
    assert (ROOT / "requirements/cpu.txt").exists() and (ROOT / "requirements/gpu.txt").exists()
    assert any("EXTRA=${EXTRA}" in words for name, words in found if name == "RUN")
    base = next(words[0] for name, words in found if name == "FROM")
    assert base.startswith("python:3.12-")  # pyproject.toml: >=3.11,<3.13


def exported() -> set[str]:
    """Names under which Prometheus sees the metrics of the monitor: what Ray makes of them."""
    from ray._private.telemetry.open_telemetry_metric_recorder import NAMESPACE

    text = (ROOT / "engine/synthesis/monitor.py").read_text()
    made = re.findall(r'(Counter|Histogram)\(\s*"(\w+)"', text)
    suffixes = {"Counter": ("_total",), "Histogram": ("_bucket", "_sum", "_count")}
    return {f"{NAMESPACE}_{name}{suffix}" for kind, name in made for suffix in suffixes[kind]}


def test_the_dashboard_shows_metrics_that_exist():
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = set(re.findall(r"\bray_\w+", " ".join(queries)))
    assert used == exported()
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(places) == len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_ray_s_exporter_adds_these_suffixes():
    """Through Ray's own recorder and the registry that it exports from."""
    from prometheus_client import REGISTRY, generate_latest
    from ray._private.telemetry.open_telemetry_metric_recorder import OpenTelemetryMetricRecorder

    recorder = OpenTelemetryMetricRecorder()
    recorder.register_counter_metric("polydistill_rows", "")
    recorder.register_histogram_metric("polydistill_unit_seconds", "", [1.0, 10.0])
    recorder.set_metric_value("polydistill_rows", {"stage": "judge"}, 3)
    recorder.set_metric_value("polydistill_unit_seconds", {"stage": "judge"}, 2.0)
    seen = generate_latest(REGISTRY).decode()
    for name in ("rows_total", "unit_seconds_bucket", "unit_seconds_sum", "unit_seconds_count"):
        assert re.search(rf"^ray_polydistill_{name}{{.*stage=\"judge\"", seen, re.MULTILINE), name


def commands(page: str) -> list[list[str]]:
    """Commands in the indented blocks of a page."""
    lines = re.sub(r"\\\n\s*", "", page).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("    ") and line.strip()]


def test_the_page_s_commands_exist(start):
    found = commands((ROOT / "docs/cluster.md").read_text())
    ours = rays = 0
    for words in found:
        words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        if words[:1] == ["polydistill"]:
            polydistill_options(words)
            ours += 1
        if words[:2] == ["ray", "start"]:
            options = {word.partition("=")[0] for word in words[2:]}
            assert options <= set(start) and ("--head" in options or not options & HEAD_ONLY)
            rays += 1
    assert ours >= 3 and rays >= 3


def test_the_page_names_files_that_exist():
    page = (ROOT / "docs/cluster.md").read_text()
    named = set(re.findall(r"\b(?:deploy|configs)/[\w./-]*\w", page))
    assert {f"deploy/{path.name}" for path in DEPLOY.iterdir() if path.suffix != ".dockerignore"} <= named
    assert all((ROOT / name).exists() for name in named)
