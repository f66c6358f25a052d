import dataclasses
import json

from polydistill.engine.storage.shards import Folder
from polydistill.eval.scores import Scores
from polydistill.inspection.describe import describe
from tests.eval.test_scores import RECORD


def test_scores(tmp_path):
    (unknown,) = RECORD.results
    known = dataclasses.replace(unknown, language="ind_Latn", value=61.25, low=60.0, high=62.5, n=9)
    record = dataclasses.replace(RECORD, results=[known, unknown], notes=["few questions"])
    Scores.write(Folder.of(tmp_path), record)
    found = describe(tmp_path)
    assert found.kind == "scores" and found.record == record
    lines = found.text().splitlines()
    assert lines[1] == "note: few questions"
    assert [line.split()[2::2] for line in lines[3:]] == [["ind_Latn", "61.2"], ["deu_Latn", "-"]]
    assert json.loads(json.dumps(found.values())) == found.values()
