"""The libraries' own tokenizers have everything that the protocol names."""

from polydistill.engine.generation.prompting.tokenizer import Tokenizer


def names(protocol: type) -> set[str]:
    return {name for name in (*protocol.__annotations__, *vars(protocol)) if not name.startswith("_")}


def test_transformers_tokenizer_fits() -> None:
    from tokenizers import Tokenizer as Backend
    from tokenizers import models
    from transformers import PreTrainedTokenizerFast

    found = PreTrainedTokenizerFast(tokenizer_object=Backend(models.WordLevel({"a": 0, "<s>": 1}, unk_token="a")))
    assert {name for name in names(Tokenizer) if not hasattr(found, name)} == set()
    assert list(found("a")["input_ids"]) == [0] and len(found) == 2
