import multiprocessing

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.run_folder import exclusive, refuse_in_use
from polydistill.engine.storage.shards import Folder


def _hold(root, held, release):
    with exclusive(Folder.of(root)):
        held.set()
        release.wait(30)


def test_a_second_run_on_the_folder_is_refused(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), held, release))
    process.start()
    assert held.wait(30)
    with pytest.raises(UserError, match=f"process {process.pid} on"), exclusive(Folder.of(tmp_path)):
        pass
    (tmp_path / "run.lock").write_bytes(b"\xff")
    with pytest.raises(UserError, match="another run is writing here"):
        refuse_in_use(Folder.of(tmp_path))
    process.kill()  # the lock dies with its process
    process.join()
    refuse_in_use(Folder.of(tmp_path))
    with exclusive(Folder.of(tmp_path)):
        pass
