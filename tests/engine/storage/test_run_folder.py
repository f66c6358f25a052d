import multiprocessing

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.run_folder import exclusive
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
    process.kill()  # the lock dies with its process
    process.join()
    with exclusive(Folder.of(tmp_path)):
        pass
