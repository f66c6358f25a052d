"""The command line in a process of its own, as a user starts it."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-c", "from polydistill.cli.main import main; main()"]


def polydistill(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run it in a folder; it has to end with `code`. Returns what it printed, or its messages where it failed."""
    command = [*COMMAND, *arguments]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True)
    assert done.returncode == code, done.stderr[-4000:]
    return done.stdout if code == 0 else done.stderr
