"""Self-generation by a server: the answers of a unit's prompts through an OpenAI-compatible endpoint."""

import pyarrow as pa

from polydistill.engine.config import Student
from polydistill.engine.generation.answers import AnswerFigures, answered
from polydistill.engine.generation.endpoint import EndpointClient, Kind, Reply
from polydistill.engine.generation.prompting.conversation import Conversation, conversations
from polydistill.engine.generation.prompting.templates import Alpaca, Raw
from polydistill.engine.generation.reward import RewardModel
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.generation.stage import candidate, sample_seeds, sampling


class RemoteStage:
    """PROMPT rows in, GENERATED rows out.

    `prompt: chat` sends messages, and the server applies its model's template. Otherwise the prompt's text is sent.
    """

    def __init__(self, student: Student, seed: int) -> None:
        """Prepare a client.

        Raises:
            UserError: the server is not there, or serves several models and none is named.
        """
        assert student.endpoint is not None
        self.student, self.seed = student, seed
        self.client = EndpointClient(student.endpoint)
        self.model = self.client.model()
        self._reward = RewardModel(student.reward) if student.reward else None
        self.kind: Kind = "chat/completions" if student.prompt == "chat" else "completions"

    def __call__(self, prompts: pa.Table) -> tuple[pa.Table, AnswerFigures]:
        """The answered rows of one unit, and their counts.

        Raises:
            UserError: the server refuses the key or the model, or is away for too long.
        """
        draws = sample_seeds(self.student, self.seed, prompts["id"].to_pylist())
        bodies = [
            self._body(messages, int(seed)) for messages, row in zip(conversations(prompts), draws) for seed in row
        ]
        replies = self.client.ask(self.kind, bodies)
        made = [self._candidate(one) for one in replies]
        samples = self.student.samples
        candidates = [made[start : start + samples] for start in range(0, len(made), samples)]
        if self._reward:
            candidates = self._reward.rated(conversations(prompts), candidates)
        return answered(prompts, candidates, self.student, sum(one.prompt_tokens for one in replies))

    def _body(self, messages: Conversation, seed: int) -> dict[str, object]:
        body = {"model": self.model} | sampling(self.student, seed)
        if self.student.select == "logprob":
            body["logprobs"] = True if self.student.prompt == "chat" else 1
        if self.student.prompt == "chat":
            body["messages"] = [{"role": turn.role, "content": turn.text} for turn in messages]
            if self.student.template:
                body["chat_template_kwargs"] = self.student.template
        else:
            body["prompt"] = (Alpaca() if self.student.prompt == "alpaca" else Raw()).prompt(messages)
        return body

    def _candidate(self, one: Reply) -> Candidate:
        if one.finish.startswith("error"):
            return Candidate("", one.finish, 0)
        finish = "context" if one.finish == "length" and one.tokens < self.student.max_tokens else one.finish
        finish = finish if finish in ("length", "context") else "stop"
        made = candidate(one.text, finish, one.tokens, self.student, one.logprob)
        if one.reasoning is None:
            return made
        cut = finish if one.text else "reasoning"
        return Candidate(made.text, cut, made.tokens, one.reasoning.strip() or None, one.logprob)
