import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.planning.measured import check_sample, kept_share, measured
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.summary import StageFigures, StageRecord, SynthesisRecord, write_summary


def stage(actors=1, gpus=0.0, **figures):
    base = {"units": 10, "rows": 1000, "seconds": 50.0, "cpu_seconds": 50.0, "first": 5.0, "last": 60.0}
    return StageRecord(StageFigures(**base | figures), actors, 1.0, gpus)


def test_measured_rates(tmp_path):
    place = Folder.of(tmp_path)
    with pytest.raises(UserError, match="no figures"):
        measured(place)
    stages = {
        "generate": stage(seconds=300.0, cpu_seconds=0.0, tokens=9000, first=20.0, last=120.0),
        "translate": stage(rows=3000, cpu_seconds=90.0),
        "judge": stage(rows=3000, seconds=30.0, cpu_seconds=1.0, gpus=0.5, actors=2),
    }
    curve = [(30.0, 10), (124.0, 3000)]
    write_summary(place, SynthesisRecord("f", 1000, ["deu_Latn"], curve=curve, stages=stages))
    costs = measured(place)
    assert costs["generate"].seconds == pytest.approx(0.1) and costs["generate"].alone
    assert costs["translate"].seconds == pytest.approx(0.03) and costs["translate"].demand == pytest.approx(1.8)
    assert costs["translate"].latency == pytest.approx(0.5) and costs["translate"].start == 9
    assert costs["judge"].gpu and costs["judge"].demand == 1
    # Two judges on one card, each busy for 30 of 110 actor-seconds: each got the card less what the other took.
    assert costs["judge"].seconds == pytest.approx(0.01 / (1 + 30 / 110))
    few = stages | {"judge": stage(units=2)}
    write_summary(place, SynthesisRecord("f", 1000, ["deu_Latn"], stages=few))
    with pytest.raises(UserError, match="at least three units"):
        measured(place)


def test_a_stage_that_had_a_card_to_itself_was_not_slowed(tmp_path):
    place = Folder.of(tmp_path)
    stages = {"translate": stage(gpus=0.25), "judge": stage(cpu_seconds=50.0)}
    write_summary(place, SynthesisRecord("f", 1000, ["deu_Latn"], curve=[(70.0, 1000)], stages=stages))
    assert measured(place)["translate"].seconds == pytest.approx(50 / 1000)


def config(**changes):
    base = {"output": "out", "targets": ["de"], "prompts": {"path": "p.json"}, "student": {"model": "org/small-1b"}}
    return validate(Synthesis, base | {"translate": {"model": "org/nllb-3.3b"}} | changes, "test")


def test_a_sample_of_the_same_models_is_taken(tmp_path):
    place = Folder.of(tmp_path)
    run_fingerprint.bind(place, run_fingerprint.decisive(config(), ""))
    check_sample(config(), place)
    check_sample(config(targets=["de", "ja"], output="elsewhere"), place)
    write_summary(place, SynthesisRecord("f", 10, ["deu_Latn"], rows=10, kept=7))
    assert kept_share(place) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"student": {"model": "org/other-70b"}}, "student.model: org/small-1b in the sample, org/other-70b here"),
        ({"student": None}, "student.model: org/small-1b in the sample, none here"),
        ({"translate": {"model": "org/nllb-0.6b"}}, "translate.model"),
        ({"translate": {"model": "org/nllb-3.3b", "beam": 1}}, "translate.beam: 4 in the sample, 1 here"),
        ({"judge": {"quality": {"model": "org/kiwi"}}}, "judge.quality.model: none in the sample, org/kiwi here"),
    ],
)
def test_a_sample_of_others_is_refused(tmp_path, changes, key):
    place = Folder.of(tmp_path)
    run_fingerprint.bind(place, run_fingerprint.decisive(config(), ""))
    with pytest.raises(UserError, match=key):
        check_sample(config(**changes), place)


def test_a_folder_without_a_run_is_no_sample(tmp_path):
    with pytest.raises(UserError, match="no run here"):
        check_sample(config(), Folder.of(tmp_path))
