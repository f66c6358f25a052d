"""Everything that answers questions has the protocol's parameters, by name and in order."""

import inspect

import pytest

from polydistill.eval.asking.answerer import Answerer
from polydistill.eval.asking.vllm_answerer import Vllm
from tests.eval.stand_in import StandIn


@pytest.mark.parametrize("kind", [Vllm, StandIn])
def test_calls_fit_the_protocol(kind: type) -> None:
    for name in ("__call__", "close"):
        wanted, found = (inspect.signature(getattr(each, name)) for each in (Answerer, kind))
        assert list(found.parameters) == list(wanted.parameters)
        assert found.return_annotation == wanted.return_annotation
