"""A run: one configuration, one folder, four steps. The command line and notebooks use the same class.

run = polydistill.Run("run.yaml")
pool = run.synthesize()
mixture = run.mix("sdrrl")
model = run.train(mixture)
scores = run.evaluate({"sdrrl": model})
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polydistill.engine import environment, screen
from polydistill.engine.config import Judge, dump, override, validate
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.configuration import CONFIG, read_configuration, write_configuration
from polydistill.engine.storage.run_folder import exclusive, refuse_in_use
from polydistill.engine.storage.shards import Folder
from polydistill.paths import resolve
from polydistill.run_config import RunConfig, read_run_file

if TYPE_CHECKING:
    from polydistill.engine.mixing.mixture import Mixture
    from polydistill.engine.storage.pool import Pool
    from polydistill.eval.scores import Scores
    from polydistill.trainer.artifact import Checkpoint

ROWS = "rows.jsonl"
"""Rows that were handed over in memory, in the run's folder."""


class Run:
    """A run, from prompts to scores. Every step resumes, and gives back what is there where nothing is left to do."""

    def __init__(
        self,
        config: RunConfig | Mapping[str, object] | str | Path,
        rows: Iterable[Mapping[str, object]] | None = None,
        set: Sequence[str] = (),
    ) -> None:
        """Read the configuration. Nothing is started or written, except for `rows`.

        Args:
            config: a YAML file, the folder of an earlier run, or the configuration itself (a mapping of sections).
            rows: instruction rows, e.g. {"instruction": ..., "input": ..., "output": ...}, in place of `prompts`.
                They are written to `output`/rows.jsonl.
            set: changes like "translate.beam=1".

        Raises:
            UserError: an unreadable file, an unknown key or a wrong value. The message names all of them.
        """
        environment.prepare()
        self.config = _config(config, None if rows is None else list(rows), set)
        self._checked: frozenset[tuple[str, str]] = frozenset()  # (step, recipe of `mix`) found right

    @property
    def output(self) -> str:
        """The run's folder."""
        return self.config.output

    @property
    def pool(self) -> "Pool":
        """The committed part of the pool.

        Raises:
            UserError: nothing is committed yet.
        """
        from polydistill.engine.storage.pool import open_pool

        return open_pool(self.output)

    def synthesize(self, address: str | None = None) -> "Pool":
        """Answer, translate and judge all prompts that are not done yet, and write the run's report.

        Args:
            address: Ray cluster, "auto" for the one that this machine belongs to. Default: this machine alone.

        Raises:
            UserError: a wrong configuration, a model that cannot be loaded, or too many failed rows.
        """
        from polydistill.engine.synthesis.reporting.report import known_report

        if self._is_synthesized():
            write_configuration(Folder.of(self.output), dump(self.config))  # other sections may have changed
            known = known_report(self.output)
        else:
            known = None
            self.require(["synth"], address=address)
            screen.step("answering, translating and judging")
            from polydistill.engine.synthesis.pipeline import synthesize

            with self.cluster(address):
                synthesize(self.config)
        self.summary = known or self._write_report()
        return self.pool

    def _write_report(self) -> str:
        from polydistill.engine.judging.languages.language_id import unknown_targets
        from polydistill.engine.synthesis.reporting.report import write_report

        with exclusive(Folder.of(self.output)):
            return write_report(self.output, unknown_targets(self.config.judge, self.config.targets))

    @contextmanager
    def cluster(self, address: str | None = None) -> Iterator[None]:
        """A Ray runtime for several steps. Steps outside of one start their own where they have something to do.

        Raises:
            UserError: another process works in the run's folder, or there is no cluster at `address`.
        """
        refuse_in_use(Folder.of(self.output))
        ray = sys.modules.get("ray")
        if ray is None or not ray.is_initialized():
            screen.phase("starting Ray" if address is None else f"connecting to the Ray cluster at {address}")
        from polydistill.engine.cluster import cluster

        with cluster(address):
            yield

    def require(
        self,
        steps: Sequence[str] = ("synth", "mix", "train", "eval"),
        recipes: Sequence[str] = (),
        address: str | None = None,
    ) -> None:
        """Check the configuration for these steps, and show what they will leave out (see `polydistill check`).

        What was found right before is not looked at again.

        Args:
            steps: of synth, mix, train and eval.
            recipes: recipes that are mixed. Default: the run's.
            address: Ray cluster that the steps will run on. Default: this machine, whose processors are checked too.

        Raises:
            UserError: at least one problem. The message has all of them.
        """
        names = {"mix": tuple(recipes) or (self.config.recipe,)}
        asked = {step: {(step, name) for name in names.get(step, ("",))} for step in steps}
        left = [step for step in steps if not asked[step] <= self._checked]
        if not left:
            return
        from polydistill.checks import announce, check
        from polydistill.checks.machine import head

        ray = sys.modules.get("ray")
        cluster = address is not None or (ray is not None and ray.is_initialized())
        found = head(address)
        found += check(self.config, [step for step in left if step != "mix" or not recipes], cluster)
        for recipe in recipes if "mix" in left else ():
            found += check(self.config.model_copy(update={"recipe": recipe}), ["mix"], cluster)
        announce(found)
        self._checked = self._checked.union(*asked.values())

    def unfinished(self) -> list[str]:
        """The steps that have something to do. Reads records only."""
        left = [] if self._is_synthesized() else ["synth"]
        if self.config.student is not None:
            trained = Folder.of(self.model_folder(self.model_name()))
            left += [] if trained.exists("training.json") else ["mix", "train"]
            left += [] if self.config.eval is None or self.scores() is not None else ["eval"]
        return left

    def scores(self) -> "Scores | None":
        """The scores of this very configuration, where the evaluation is finished. Reads their record only."""
        from polydistill.eval.scores import FILE, Scores

        folder = Folder.of(f"{self.output}/eval")
        if not folder.exists(FILE) or self.config.eval is None or self.config.student is None:
            return None
        try:
            record = Scores.open(folder).record
        except DamagedError:  # the evaluation makes them anew from its kept answers
            return None
        mine = (dump(self.config.eval), dump(self.config.student))
        return Scores(folder, record) if (record.evaluation, record.student) == mine else None

    def _is_synthesized(self) -> bool:
        """Whether every unit of this very configuration is committed.

        Raises:
            UserError: the folder was made under another configuration.
        """
        from polydistill.engine.storage import run_fingerprint
        from polydistill.engine.synthesis.remaining import remaining

        begun = Folder.of(self.output).exists(run_fingerprint.FILE)
        return begun and not remaining(self.config).pending

    def mix(
        self,
        recipe: str | None = None,
        seed: int = 0,
        out: str | None = None,
        judge: Judge | Mapping[str, object] | None = None,
    ) -> "Mixture":
        """Make a mixture from the run's pool, or open it where it is made already.

        Args:
            recipe: name or YAML file of a recipe, default: the run's.
            seed: added to the run's seed.
            out: the mixture's folder, default: mixtures/RECIPE-seedN in the run's folder.
            judge: other thresholds, e.g. {"quality": {"model": FOLDER, "threshold": 0.7}}. Stored scores are judged
                again. Give such a mixture an `out` of its own.

        Raises:
            UserError: an incomplete pool, a missing dictionary or parallel text, or `out` holds another mixture.
        """
        from polydistill.engine.mixing.job import Sections
        from polydistill.engine.mixing.mix import mix
        from polydistill.engine.mixing.mixture import MANIFEST
        from polydistill.engine.mixing.recipe import load_recipe

        chosen = load_recipe(recipe or self.config.recipe)
        folder = out or f"{self.output}/mixtures/{chosen.name}-seed{seed}"
        if not Folder.of(folder).exists(MANIFEST):
            self.require(["mix"], [recipe] if recipe else ())
        return mix(
            self.output,
            chosen,
            folder,
            seed=self.config.seed + seed,
            sections=Sections(
                dictionaries=self.config.dictionaries,
                parallel=self.config.parallel,
                judge=validate(Judge, dict(judge), "judge") if isinstance(judge, Mapping) else judge,
                leakage=self.config.leakage,
                native=self.config.native,
            ),
            targets=self.config.targets,
        )

    def train(
        self,
        mixture: "str | Mixture | None" = None,
        name: str | None = None,
        seed: int = 0,
        progress: bool = True,
        **changes: Any,
    ) -> "Checkpoint":
        """Train the student on a mixture, or open the model where it is trained already.

        Args:
            mixture: a mixture or its folder, default: that of `mix()`.
            name: name of the model, default: RECIPE/seedN. Its folder is models/NAME in the run's folder.
            seed: added to `train.seed`.
            progress: whether steps and losses are shown on stderr.
            changes: other values of the `train` section, e.g. learning_rate=1e-5.

        Raises:
            UserError: no student, wrong data, or the model's folder belongs to another training.
        """
        from polydistill.trainer.config import Train
        from polydistill.trainer.records import TRAINING
        from polydistill.trainer.run.launch import train

        mixture = mixture or self.mix(seed=seed)
        folder = mixture if isinstance(mixture, str) else mixture.folder.root
        name = name or self.model_name(seed)
        settings = self.config.train.model_dump() | {"seed": self.config.train.seed + seed} | changes
        student, out = self.config.student_to_train(), self.model_folder(name)
        if not Folder.of(out).exists(TRAINING):
            self.require(["train"])
        return train(folder, student, validate(Train, settings, "train"), out, progress)

    def model_name(self, seed: int = 0) -> str:
        """Name of the model that `train()` makes, e.g. sdrrl/seed0."""
        return f"{Path(self.config.recipe).stem}/seed{seed}"

    def model_folder(self, name: str) -> str:
        """The folder of a model of this run."""
        return f"{self.output}/models/{name.replace('/', '-')}"

    def evaluate(self, models: "Mapping[str, str | Checkpoint]", folder: str = "eval") -> "Scores":
        """Evaluate the base model and `models`. The report: eval/report.html in the run's folder.

        Args:
            models: name -> folder or checkpoint.
            folder: another name than eval.

        Raises:
            UserError: no `eval` section or no student, missing files, or a model that cannot be loaded.
        """
        from polydistill.eval.run import evaluate
        from polydistill.steps import whole_models

        student = self.config.student_to_train()
        everyone = whole_models({"base": student.model, **models})
        evaluation = self.config.evaluation()
        self.require(["eval"])
        return evaluate(everyone, evaluation, student, f"{self.output}/{folder}")


def _config(source: Any, rows: list[Mapping[str, object]] | None, changes: Sequence[str]) -> RunConfig:
    if isinstance(source, str | Path):
        data, where = _read(Path(source)), str(source)
    else:
        data, where = source.model_dump(mode="json") if isinstance(source, RunConfig) else dict(source), "configuration"
    for text in changes:
        override(data, text)
    data = resolve(data, ".")  # workers may have been started in another folder
    output = data.get("output")
    if rows is not None and isinstance(output, str):
        data["prompts"] = {"path": _write_rows(rows, output)}
    return validate(RunConfig, data, where)


def _read(source: Path) -> dict[str, object]:
    if not source.is_dir():
        return read_run_file(source)
    folder = Folder.of(source)
    if not folder.exists(CONFIG):
        raise UserError(f"{source}: no run here ({CONFIG} is missing). Give a YAML file, or a run's folder")
    return read_configuration(folder) | {"output": folder.root}  # the folder may have been moved


def _write_rows(rows: list[Mapping[str, object]], output: str) -> str:
    folder = Folder.of(output)
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if not folder.exists(ROWS) or folder.read(ROWS) != content:
        folder.write(ROWS, content)
    return f"{output}/{ROWS}"
