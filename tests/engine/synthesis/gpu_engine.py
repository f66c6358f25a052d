"""A stand-in for vLLM's engine inside Ray's stage; see `gpu_cluster.py`."""

import json
import os
from collections.abc import AsyncIterator
from typing import Any

from ray.llm._internal.batch.stages.base import StatefulStageUDF
from ray.llm._internal.batch.stages.vllm_engine_stage import vLLMEngineStage

from tests.engine.synthesis.gpu_standins import Meeting


class StandInEngine(StatefulStageUDF):
    """Answers each prompt with its number of tokens, in place of vLLM's engine."""

    def __init__(self, data_column: str, expected_input_keys: list[str], **_: Any) -> None:
        super().__init__(data_column, expected_input_keys)
        self.meeting = Meeting(**json.loads(os.environ["MEETING"]))

    async def udf(self, rows: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        """One unit."""
        self.meeting.work("generate", 0.3)
        for row in rows:
            yield {
                "__inference_error__": "",
                "generated_text": f"{len(row['tokenized_prompt'])}",
                "generated_tokens": [5, 1],
                "num_input_tokens": len(row["tokenized_prompt"]),
                "time_taken_llm": 0.3,
                self.IDX_IN_BATCH_COLUMN: row[self.IDX_IN_BATCH_COLUMN],
            }


class StandInStage(vLLMEngineStage):
    """Ray's stage with all of its placement, around the stand-in."""

    fn: type[StatefulStageUDF] = StandInEngine
