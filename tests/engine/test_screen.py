"""Libraries write to the log, the user reads the screen. Each case is a process of its own."""

import subprocess
import sys

import pytest

NOISE = (
    "import os, sys, warnings, logging\n"
    "print('library on stdout'); print('library on stderr', file=sys.stderr)\n"
    "os.write(1, b'native on 1\\n'); os.write(2, b'native on 2\\n')\n"
    "os.system('echo child')\n"
    "warnings.warn('a warning'); logging.getLogger('x').warning('a log line')\n"
)


def run(code: str, folder) -> tuple[str, str]:
    code = f"from polydistill.engine import screen\n{code}"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_noise_goes_to_the_log_and_ours_to_the_screen(tmp_path):
    body = f"screen.phase('loading'); screen.show('result')\n{NOISE}".replace("\n", "\n    ")
    out, err = run(f"with screen.logged('out'):\n    {body}\nprint('after')", tmp_path)
    assert out == "result\nafter\n"
    assert err == "[00:00] loading\n"
    log = (tmp_path / "out/logs/output.log").read_text()
    for said in (
        "library on stdout",
        "library on stderr",
        "native on 1",
        "native on 2",
        "child",
        "a warning",
        "a log line",
    ):
        assert said in log


def test_everything_is_as_before_after_an_error(tmp_path):
    code = "try:\n    with screen.logged('out'):\n        1 / 0\nexcept ZeroDivisionError:\n    print('still here')"
    assert run(code, tmp_path) == ("still here\n", "")


@pytest.mark.parametrize("folder", ["/proc/none", "s3://bucket/run"])
def test_where_no_log_can_be_written_the_screen_has_all(folder, tmp_path):
    out, _ = run(f"with screen.logged({folder!r}):\n    print('library'); screen.show('result')", tmp_path)
    assert out == "library\nresult\n"


def test_quiet_shows_results_only(tmp_path):
    out, err = run("screen.set_quiet(True); screen.phase('loading'); screen.show('result')", tmp_path)
    assert (out, err) == ("result\n", "")


def test_steps_are_numbered(tmp_path):
    code = "screen.set_steps(2)\nfor name in ('checking', 'mixing', 'more'): screen.step(name)"
    assert run(code, tmp_path)[1].splitlines() == [
        "[00:00] step 1 of 2: checking",
        "[00:00] step 2 of 2: mixing",
        "[00:00] more",
    ]


def test_a_table_in_a_log_is_not_broken_at_80_columns(tmp_path):
    out, _ = run("screen.show_rich('word ' * 25)", tmp_path)
    assert len(out.splitlines()) == 1
