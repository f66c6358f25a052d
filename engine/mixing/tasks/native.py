"""Tasks on rows that are in a target language from the beginning: a user's own data, or the eight target samples that
Self-Translate-Train's baseline gets (arXiv 2407.00454, section 4.1)."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.mixing.counts import Counts, Done, Dropped, Made
from polydistill.engine.mixing.recipe import Subset
from polydistill.engine.mixing.subsets import Languages, mixture
from polydistill.engine.mixing.worker import Mixer
from polydistill.engine.prompts.cleaning import clean
from polydistill.engine.prompts.fields import Notes
from polydistill.engine.prompts.prepare import row_ids
from polydistill.engine.prompts.sources import open_sources
from polydistill.engine.schema import MIXTURE
from polydistill.engine.seeds import row_bits, uniform


@dataclass(frozen=True)
class NativeTask:
    """Make the native subsets of one target language, or count the rows of a language that is none."""

    language: str
    target: bool = True

    def run(self, mixer: Mixer) -> Done:
        """Read the rows and write the samples."""
        done = Done()
        rows = self._rows(mixer, done)
        tables = (
            self._subset(mixer, rows, name, subset, done.counts)
            for name, subset in mixer.job.recipe.subsets.items()
            if subset.task == "native"
        )
        mixer.write(done, f"native-{self.language}-00.arrow", tables)
        return done

    def _rows(self, mixer: Mixer, done: Done) -> pl.DataFrame:
        """All rows of the language, cleaned; `reason` says why one is unusable."""
        configs = [source for source in mixer.job.native if source.language == self.language]
        notes = Notes()
        frames = [
            clean(batch.frame, config)[0].with_columns(number=pl.lit(number))
            for number, config in enumerate(configs)
            for source in open_sources([config], self.language)
            for batch in source.frames(notes)
        ]
        if not frames:
            raise UserError(
                f"native: no source has `language: {self.language}`. Add one, or leave the language out with --targets."
            )
        done.unused = {name: dict(found) for name, found in notes.unused.items() if found}
        rows = pl.concat(frames).with_columns(source=pl.lit(self.language))
        rows = rows.with_columns(row_ids(rows.with_columns(pl.col("instruction", "input", "truth").fill_null(""))))
        missing = pl.when(pl.col("truth") == "").then(pl.lit("truth:missing"))
        again = pl.when(~pl.col("id").is_first_distinct()).then(pl.lit("duplicate"))
        rows = rows.with_columns(reason=pl.coalesce("reason", missing, again))
        for number, config in enumerate(configs):
            if config.sample is not None:
                rows = _sampled(rows, pl.col("number") == number, config.sample, mixer.job.seed)
        return rows

    def _subset(self, mixer: Mixer, rows: pl.DataFrame, name: str, subset: Subset, counts: Counts) -> pa.Table:
        """The MIXTURE rows of one native subset: the first N usable rows."""
        reason = rows["reason"]
        if not self.target:
            reason = reason.fill_null("language:no_target")
        elif mixer.job.evaluation is not None:
            turns = pl.col("history").list.eval(pl.element().struct.field("content")).list.join("\n", ignore_nulls=True)
            talk = pl.concat_str(pl.col("system"), turns, separator="\n", ignore_nulls=True).alias("history")
            for field, texts in rows.select("instruction", "input", "truth", talk).to_dict().items():
                leaks = pl.Series(mixer.job.evaluation.leaks(texts))
                found = pl.select(pl.when(leaks).then(pl.lit(f"leakage:{field}"))).to_series()
                reason = pl.select(pl.coalesce(reason, found)).to_series()
        for why, count in reason.drop_nulls().value_counts().rows():
            counts.dropped[Dropped(name, self.language, why)] += count
        good = rows.filter(reason.is_null())
        chosen = good if subset.rows is None else good.head(subset.rows)
        if self.target and subset.rows is not None and len(chosen) < subset.rows:
            raise UserError(
                f"native: subset {name} takes {subset.rows} rows of {self.language}, but only {len(chosen)} are usable"
            )
        if self.target:
            counts.rows[Made(name, self.language)] += len(chosen)
        columns = {
            column: chosen[column].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(MIXTURE.field(column).type)
            for column in ("id", "instruction", "input", "system", "history")
        }
        columns["response"] = chosen["truth"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
        columns["answer"] = pa.repeat("truth", len(chosen))
        columns |= {column: pa.array([0] * len(chosen), pa.int32()) for column in ("switched", "switchable")}
        return mixture(columns, name, Languages(*[self.language] * 4), subset.weight)


def _sampled(rows: pl.DataFrame, own: pl.Expr, size: int, seed: int) -> pl.DataFrame:
    """The rows with a reason for those usable ones of a source that are not drawn. Content alone decides the draw."""
    usable = rows.select((own & pl.col("reason").is_null()).arg_true()).to_series().to_numpy()
    order = np.argsort(uniform(seed, row_bits(rows["id"].gather(usable).to_list()), "sample"), kind="stable")
    left = np.zeros(rows.height, bool)
    left[usable[order[size:]]] = True
    return rows.with_columns(reason=pl.when(pl.Series(left)).then(pl.lit("not_sampled")).otherwise("reason"))
