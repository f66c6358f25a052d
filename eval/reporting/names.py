"""Names of metrics and sets for people."""

from polydistill.eval.scores import ScoresRecord

METRICS = {
    "accuracy": "accuracy",
    "accuracy_norm": "accuracy, per character",
    "accuracy_micro": "accuracy over facts",
    "f1": "F1",
    "em": "exact match",
    "substring": "gold is part of the answer",
    "bleu": "BLEU",
    "chrf++": "chrF++",
    "comet": "COMET",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "off_target": "off-target",
    "off_target_gold": "off-target of the gold",
    "f1_all": "F1, unanswerable questions included",
    "f1_tuned": "F1 at the best threshold",
    "f1_language": "F1 by the language's rules",
    "em_language": "exact match by the language's rules",
    "mean": "mean",
}


def metric_name(metric: str) -> str:
    """A metric's name in a table."""
    return METRICS.get(metric, metric)


def metric_title(metric: str) -> str:
    """A metric's name as a heading."""
    name = metric_name(metric)
    return name if name[:1].isupper() else name[:1].upper() + name[1:]


def set_title(record: ScoresRecord, name: str) -> str:
    """A set's heading, e.g. "BELEBELE: reading comprehension"."""
    column = next((column for column in record.headlines if column.set == name and column.about), None)
    if column is None:
        return name
    text = f"{column.title}: {column.about}" if column.title else column.about
    return text[:1].upper() + text[1:]
