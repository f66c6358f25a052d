import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import Texts, human, parameters, published


def config(**changes):
    base = {"output": "out", "targets": ["de", "id"], "prompts": {"path": "p.json"}}
    base |= {"student": {"model": "meta-llama/Llama-2-7b-hf"}, "judge": {"quality": {"model": "kiwi"}}}
    return validate(Synthesis, base | {"translate": {"model": "facebook/nllb-200-3.3B"}} | changes, "test")


def test_published_rates_follow_model_gpu_and_settings():
    texts = Texts(120, 200)
    base = published(config(), texts, "h100")
    assert base["generate"].seconds == pytest.approx(50 / 6774, rel=0.01)  # between 4B and 8.2B
    assert published(config(), texts, "h200")["translate"].seconds < base["translate"].seconds
    greedy = config(translate={"model": "nllb-200-3.3B", "beam": 1})
    assert published(greedy, texts, "h100")["translate"].seconds == pytest.approx(base["translate"].seconds / 4)
    large = config(student={"model": "Llama-2-70b-hf"})
    assert published(large, texts, "h100")["generate"].seconds > 8 * base["generate"].seconds
    assert not published(config(judge={}), texts, "h100")["judge"].gpu
    with pytest.raises(UserError, match="--gpu tpu"):
        published(config(), texts, "tpu")


@pytest.mark.parametrize(
    ("name", "billions"), [("facebook/nllb-200-distilled-600M", 0.6), ("Qwen/Qwen3-8B", 8), ("nllb-200-3.3B", 3.3)]
)
def test_sizes_from_names(name, billions):
    assert parameters(name) == billions


def test_a_name_without_a_size():
    with pytest.raises(UserError, match="my-model: its name does not tell its size"):
        parameters("org/my-model")


@pytest.mark.parametrize(
    ("billions", "text"), [(0.135, "135M"), (0.0004, "400k"), (3.3, "3.3B"), (70, "70B"), (1.0, "1B"), (0.6, "600M")]
)
def test_numbers_as_people_say_them(billions, text):
    assert human(billions) == text


def test_without_a_gpu_cores_do_the_work():
    costs = published(config(), Texts(120, 200), "h100", cpu_only=("generate", "translate", "judge"))
    gpus = published(config(), Texts(120, 200), "h100")
    for name, cost in costs.items():
        assert not cost.gpu and "of a core" in cost.source and cost.seconds > 20 * gpus[name].seconds


def test_a_servers_answers_are_no_stage():
    served = config(student={"model": "x-7b", "endpoint": "http://host:8000/v1"})
    assert set(published(served, Texts(120, 200), "h100")) == {"translate", "judge"}
