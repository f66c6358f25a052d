"""The processes of a run, found while others of them start and end."""

from contextlib import suppress

import psutil


def command(process: psutil.Process) -> str:
    """Its title or command line, empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def descendants(pid: int, words: str = "") -> list[psutil.Process]:
    """Those below it with these words in their title or command line."""
    return [child for child in psutil.Process(pid).children(recursive=True) if words in command(child)]


def engine_cores(pid: int) -> list[psutil.Process]:
    """vLLM's engine processes below a driver, by their place: what a worker of Ray spawned.

    Not by title: setproctitle leaves a process its old one when the first variable of its environment has changed, and
    that variable differs between runs.
    """
    (raylet,) = (child for child in psutil.Process(pid).children() if child.name() == "raylet")
    spawned = [child for worker in raylet.children() for child in _children(worker)]
    return [child for child in spawned if "EngineCore" in command(child) or "spawn_main" in command(child)]


def kill(processes: list[psutil.Process]) -> None:
    """SIGKILL for all of them that still run, in this order."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.Error:
        return []
