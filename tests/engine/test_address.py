"""Addresses of clusters."""

import socket
import time

import pytest

from polydistill.engine.address import knock
from polydistill.engine.errors import UserError


def test_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        knock(f"127.0.0.1:{server.getsockname()[1]}")
    knock("auto")  # Ray knows where


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:9", "no Ray cluster answers at 127.0.0.1:9"),
        ("ray://127.0.0.1:9", "no Ray cluster answers at ray://127.0.0.1:9"),
        ("nowhere.invalid:6379", "no Ray cluster answers at nowhere.invalid:6379"),
        ("127.0.0.1:99999", "no Ray cluster answers at 127.0.0.1:99999"),
        ("head", "expected auto, or HOST:PORT"),
        ("head:port", "expected auto, or HOST:PORT"),
    ],
)
def test_an_address_where_nobody_listens_is_refused_at_once(address: str, message: str) -> None:
    """Ray asks such an address for minutes."""
    start = time.monotonic()
    with pytest.raises(UserError, match=message):
        knock(address)
    assert time.monotonic() - start < 10
