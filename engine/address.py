"""Whether a Ray cluster answers at an address, and what to say where none does or none starts in time. Without Ray."""

import os
import socket

from polydistill.engine.errors import UserError

SECONDS = 5
"""How long a cluster's head may take to answer."""


def no_connection(address: str, text: str) -> str:
    """Why there is no connection, and what to do."""
    if "AuthToken" in text or "AuthenticationError" in text:
        mode = os.environ.get("RAY_AUTH_MODE") or "not set"
        return (
            f"the Ray cluster at {address} asks for a token. Set RAY_AUTH_MODE=token (it is {mode}), and copy "
            "~/.ray/auth_token from its head, or set RAY_AUTH_TOKEN (see docs/cluster.md)"
        )
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no answer")
    return f"no Ray cluster answers at {address} ({last[:200]}). Is it running, and is this machine a node of it?"


def late() -> str:
    """What to do where Ray's processes have not started on this machine within Ray's limit, which is 30 seconds."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    logs = os.path.join(os.environ.get("RAY_TMPDIR", "/tmp"), "ray/session_latest/logs")
    return (
        f"Ray has not started on this machine within 30 seconds. {load:.0f} processes want its {cores} cores: if "
        f"these are too many, wait for them or stop some. Then run the same command again. Ray's logs are in {logs}"
    )


def knock(address: str) -> None:
    """Raise UserError where nothing listens at the address. Ray itself would ask for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        raise UserError(f"--address {address}: expected auto, or HOST:PORT of the cluster's head, e.g. 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(no_connection(address, str(error))) from error
