"""The Ray runtime of this process: one of its own on this machine, or the cluster that the machine belongs to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import ray

from polydistill.engine import environment
from polydistill.engine.address import knock, late, no_connection
from polydistill.engine.errors import UserError
from polydistill.engine.stopping import handler_kept, stoppable, unstoppable


def _stay_on_loopback() -> None:
    """A runtime that is started from now on listens on 127.0.0.1 only. Ray itself would listen on all interfaces."""
    from ray._private import ray_constants

    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0"  # for its processes
    ray_constants.ENABLE_RAY_CLUSTER = False  # for this one, which has read the variable already


def _close_token_file() -> None:
    """Ray keeps the token of its local runtimes readable for all users of the machine. Only its owner needs it."""
    with suppress(OSError):
        (Path.home() / ".ray" / "auth_token").chmod(0o600)


def _refuse_open(address: str) -> None:
    """UserError where the cluster that this process has joined answers to callers without a token.

    RAY_AUTH_MODE=disabled says that this is known.
    """
    if os.environ.get("RAY_AUTH_MODE", "").lower() == "disabled" or not answers_without_token(
        ray.get_runtime_context().gcs_address
    ):
        return
    raise UserError(
        f"the Ray cluster at {address} asks for no token, so whoever reaches its ports can run code on it. Start it "
        "with a token (see docs/cluster.md), or set RAY_AUTH_MODE=disabled where its network keeps everybody else out."
    )


def answers_without_token(address: str) -> bool:
    """Whether the control service at `address` (host:port) answers to a caller without a token."""
    import grpc  # type: ignore[import-untyped]
    from ray.core.generated.gcs_service_pb2 import CheckAliveRequest
    from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub

    with grpc.insecure_channel(address) as channel:
        try:
            NodeInfoGcsServiceStub(channel).CheckAlive(CheckAliveRequest(), timeout=10)
        except grpc.RpcError:  # it asks for a token, or for TLS
            return False
    return True


@contextmanager
def cluster(address: str | None = None) -> Iterator[None]:
    """A Ray runtime for this process.

    Args:
        address: "auto" is the cluster that this machine belongs to. None starts a runtime on this machine, which is
            closed at the end. A runtime that is initialized already is used and left as it is.

    Raises:
        UserError: Ray is late to start here. There is no cluster at `address`, it asks for a token that is not
            there, or it asks for none.
    """
    if ray.is_initialized():
        yield
        return
    environment.prepare()
    if address is None:
        _stay_on_loopback()
        settings: dict[str, object] = {"address": "local", "include_dashboard": False}  # its workers inherit ours
    else:
        knock(address)
        hook = {"worker_process_setup_hook": "polydistill.engine.environment.prepare"}  # each machine sees for itself
        settings = {"address": address, "runtime_env": hook}
    with stoppable():
        try:
            with handler_kept():  # of SIGTERM: Ray's would end this process without a word
                ray.init(log_to_driver=False, logging_level="ERROR", **settings)
        except (RuntimeError, ConnectionError, ValueError) as error:
            if address is None:
                raise
            raise UserError(no_connection(address, str(error))) from error
        except Exception as error:  # Ray raises that very class where its processes are late
            if "timed out during startup" not in str(error):
                raise
            raise UserError(late()) from error
        _close_token_file()
        try:
            if address is not None:
                _refuse_open(address)
            yield
        finally:
            with unstoppable():  # Ray ends its processes with a SIGTERM to their group, which is often ours
                ray.shutdown()
