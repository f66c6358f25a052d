"""Rows, batches and files that go wrong in the middle of a run that must not."""

import pyarrow.compute as pc
import pytest
import ray

from benchmarks.standins import Standins
from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.synthesis.pipeline import synthesize
from polydistill.engine.synthesis.summary import SynthesisRecord

pytestmark = pytest.mark.slow


def synth(run, **work) -> SynthesisRecord:
    config = run.config | {"work": run.config["work"] | work}
    return synthesize(validate(Synthesis, config, "test"), Standins(**run.standins))


def reasons(run) -> dict[str, int]:
    table = next(open_pool(run.output).tables("deu_Latn"))
    return dict(zip(table["instruction"].to_pylist(), table["reason_instruction"].to_pylist()))


def test_one_bad_row_leaves_with_its_error_and_the_rest_is_whole(new_run, local_ray):
    run = new_run(prompts=16, unit_rows=16, raise_on="Count to 7.")
    summary = synth(run, max_failed=0.1)
    assert (summary.rows, summary.failed) == (32, 2)
    table = open_pool(run.output).table("deu_Latn", 0)
    bad = table.filter(pc.equal(table["instruction"], "Count to 7."))
    assert bad["reason"].to_pylist() == ["instruction:error"] and bad["mt_instruction"].to_pylist() == [None]
    assert bad["notes_instruction"].to_pylist() == [["error: RuntimeError: this row cannot be translated"]]
    others = table.filter(pc.not_equal(table["instruction"], "Count to 7."))
    assert others["mt_instruction"].to_pylist() == [f"deu_Latn: {text}" for text in others["instruction"].to_pylist()]


def test_a_hanging_row_costs_its_time_limit_and_nothing_else(new_run, local_ray):
    work = {"translate": {"timeout": 1.0}, "retries": 0}
    run = new_run(prompts=8, unit_rows=4, work=work, hang_on="Count to 5.")
    summary = synth(run)
    assert (summary.rows, summary.failed) == (16, 2)


def test_a_row_that_kills_its_process_again_and_again_is_given_up(new_run, local_ray):
    run = new_run(prompts=8, unit_rows=4, die_on="Count to 5.")
    summary = synth(run, max_failed=1.0)
    assert summary.rows == 16 and summary.failed == 8  # its unit in both languages; the other unit is whole


def test_when_everything_fails_the_run_stops_and_says_why(new_run, local_ray):
    run = new_run(prompts=64, unit_rows=16, raise_on="Count")
    with pytest.raises(UserError, match=r"of \d+ rows failed \(limit work.max_failed = 5%\)"):
        synth(run)
    assert run.committed() >= 1  # what is done stays, with its reasons


def test_a_model_that_cannot_be_loaded_stops_the_run_with_one_message(new_run, local_ray):
    run = new_run(prompts=8, refuse="stand-in: no weights here")
    with pytest.raises(UserError, match=r"^stand-in: no weights here"):
        synth(run)


def test_a_truncated_shard_is_made_again(new_run, local_ray, capsys):
    run = new_run(prompts=16, unit_rows=8)
    synth(run)
    whole = run.shards()
    (run.output / "pool/deu_Latn/000001.arrow").write_bytes(whole["pool/deu_Latn/000001.arrow"][:100])
    assert synth(run).rows == 16  # both languages: they were translated together
    assert "damaged (100 bytes" in capsys.readouterr().err
    assert run.shards() == whole


def test_a_language_added_later_leaves_the_others_alone(new_run, local_ray):
    run = new_run(prompts=16, unit_rows=8)
    synth(run)
    before = run.shards()
    run.config["targets"] = ["deu_Latn", "jpn_Jpan", "ces_Latn"]
    assert synth(run).rows == 16
    after = run.shards()
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[1] for name in after} == {"deu_Latn", "jpn_Jpan", "ces_Latn"}


def test_a_full_disk_stops_the_run_and_what_is_done_stays(new_run, local_ray, small_disk):
    run = new_run(prompts=400, unit_rows=16)
    run.config["output"] = str(small_disk("300k") / "out")
    with pytest.raises(UserError, match=r"No space left on device.*What is done stays"):
        synth(run)
    done = run.committed()
    assert 0 < done < 50
    assert all(len(rows) % 16 == 0 for rows in run.rows().values())  # every committed unit is whole


def test_a_folder_in_use_is_refused(new_run, local_ray):
    run = new_run(prompts=400, unit_rows=8, delay=0.1)
    process = run.start()
    try:
        while not (run.output / "run.lock").exists() or not (run.output / "run.lock").read_text():
            assert process.poll() is None
        with pytest.raises(UserError, match=f"another run is writing here .process {process.pid}"):
            synth(run)
    finally:
        process.kill()
        process.communicate()


def test_records_tell_what_the_rows_tell(new_run, local_ray):
    run = new_run(prompts=40, unit_rows=16)
    summary = synth(run)
    table = [row for rows in run.rows().values() for row in rows]
    assert summary.rows == len(table) == 80
    assert summary.kept == sum(row["reason"] is None for row in table)
    record = open_pool(run.output).records["deu_Latn"][0]
    assert record.figures.rows == record.figures.kept + sum(record.figures.reasons.values())
    assert record.versions["ray"] == ray.__version__
