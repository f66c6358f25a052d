"""The model card (README.md) of a trained folder: what it was made of, and how to ask it."""

import json
import re

from polydistill.engine.config import Student
from polydistill.engine.languages import get_language
from polydistill.engine.mixing.mixture import MixtureRecord
from polydistill.trainer.records import TrainingRecord


def model_card(record: TrainingRecord, mixture: MixtureRecord, student: Student) -> str:
    """Markdown with the front matter that model hubs read. Names that come from data are shown as plain text.

    Scores are not in it: evaluation comes later, and its report says how each number was made.
    """
    languages = dict.fromkeys([*mixture.sources, *mixture.targets])
    adapter = record.model == "adapter"
    front = {
        "base_model": student.model,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "language": sorted({get_language(code).code[:3] for code in languages}),
        "tags": ["polydistill", _plain(mixture.recipe.name)],
    }
    names = ", ".join(get_language(code).name for code in languages)
    rows = "\n".join(
        f"| {_plain(name)} | {figures.samples:,} | {figures.answer_tokens:,} |"
        for name, figures in record.subsets.items()
    )
    last = record.curve[-1]["loss"] if record.curve else None
    best = f" Best validation loss: {record.best.loss:.4f} after {record.best.step:,} steps." if record.best else ""
    return f"""---
{"".join(f"{key}: {json.dumps(value, ensure_ascii=False)}{chr(10)}" for key, value in front.items())}---

# {_plain(student.model.rstrip("/").rpartition("/")[2])}, trained with {_plain(mixture.recipe.name)}

{"A LoRA adapter for" if adapter else "A fine-tuned copy of"} `{_plain(student.model)}` for {names}. It was trained by
polydistill with the recipe `{_plain(mixture.recipe.name)}`: {record.steps:,} optimizer steps, objective
`{record.identity.objective}`, last loss {last if last is None else f"{last:.4f}"}.{best}

| subset | samples | answer tokens |
|---|---|---|
{rows}

## How to ask it

The model was trained with the prompt template `{student.prompt}`. This folder's chat template renders the same text.

```python
from transformers import pipeline

ask = pipeline("text-generation", "FOLDER", do_sample=False)
print(ask([{{"role": "user", "content": "Name three rivers."}}])[0]["generated_text"][-1]["content"])
```
{_WITH_INPUT if student.prompt == "alpaca" else ""}
Signature: `{record.signature}`
"""


_WITH_INPUT = """
A question with an input has its own form, which chat messages cannot express. Build the text as Stanford Alpaca does,
with the section `### Input:` behind the instruction.
"""


def _plain(text: str) -> str:
    """Text without what Markdown, HTML or YAML would read as their own."""
    return re.sub(r"[^\w .,:/@+-]", "?", text)
