import polars as pl
import pytest

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.shards import Folder

# A row of GSM8K's kind.
ANSWER = "She sold 48/2 = <<48/2=24>>24 clips in May.\nIn all 48+24 = <<48+24=72>>72.\n#### 72"
PLAIN = "She sold 48/2 = 24 clips in May.\nIn all 48+24 = 72.\n#### 72"


@pytest.mark.parametrize(("keep", "truth"), [(True, ANSWER), (False, PLAIN)])
def test_calculator_marks_go_where_that_is_asked_for(tmp_path, keep, truth):
    pl.DataFrame({"question": ["How many clips?"], "answer": [ANSWER]}).write_ndjson(tmp_path / "gsm8k.jsonl")
    source = PromptSource(path=str(tmp_path / "gsm8k.jsonl"), calculator_marks=keep)
    prompts = prepare([source], "eng_Latn", Folder.of(tmp_path / "run"), 10)
    assert prompts.table(0)["truth"].to_pylist() == [truth]
    assert prompts.record.mended.get("calculator", 0) == (0 if keep else 1)


def test_prompts_with_and_without_marks_are_not_the_same(tmp_path):
    pl.DataFrame({"question": ["How many clips?"], "answer": [ANSWER]}).write_ndjson(tmp_path / "gsm8k.jsonl")
    path, folder = str(tmp_path / "gsm8k.jsonl"), Folder.of(tmp_path / "run")
    prepare([PromptSource(path=path)], "eng_Latn", folder, 10)
    with pytest.raises(UserError, match=r"calculator_marks of gsm8k\.jsonl was True, is False"):
        prepare([PromptSource(path=path, calculator_marks=False)], "eng_Latn", folder, 10)
