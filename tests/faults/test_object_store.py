"""A run whose folder is in an object store, killed in the middle and resumed there: the bytes of a run on a disk."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.shards import Folder

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(monkeypatch):
    """The URI of an empty bucket on an S3 server of our own (moto's), which every process finds by its environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert server.poll() is None
            time.sleep(0.1)
        uri = f"s3://bucket?endpoint_override=127.0.0.1:{port}&scheme=http&allow_bucket_creation=true"
        Folder.of(uri).filesystem.create_dir("bucket")
        yield "s3://bucket"
    finally:
        server.kill()
        server.wait()


def test_a_killed_run_goes_on_where_it_was(new_run, quiet_run, bucket):
    run = new_run(delay=0.05)
    run.config["output"] = f"{bucket}/out"
    place = Folder.of(run.config["output"])
    process = run.start()
    end = time.monotonic() + 120
    while len((place / "units").names(recursive=True)) < 6:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    _, err = process.communicate()
    assert "bucket/out: no lock is possible here" in err
    done = (place / "units").names(recursive=True)
    assert len(done) < 60, "the run ended before it was killed"
    assert 0 < run.finish()["rows"] <= 240 * 2 - 8 * len(done)
    shards = {f"pool/{name}": place.read(f"pool/{name}") for name in (place / "pool").names(recursive=True)}
    assert shards == quiet_run.shards()
    assert open_pool(run.config["output"]).rows("jpn_Jpan") == 240
