"""Counts of tasks add up to the mixture's record, in any order."""

from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.mixing.counts import (
    Counts,
    Done,
    Dropped,
    Made,
    Switching,
    subset_records,
    switch_records,
    total_dropped,
)
from polydistill.engine.mixing.mixture import DictionaryRecord, ParallelRecord, SwitchRecord
from polydistill.engine.mixing.recipe import Recipe, Subset

RECIPE = Recipe(
    subsets={
        "TT": Subset(question="target", answer="target", weight=2),
        "LL": Subset(question="source", answer="source"),
        "LT": Subset(question="source", answer="target"),
    }
)
NAMES, TARGETS = st.sampled_from(["TT", "LL"]), st.sampled_from(["deu_Latn", "jpn_Jpan"])
REASONS = st.sampled_from(["truth:missing", "self:length", "instruction:off_target"])
EVENTS = st.lists(st.tuples(NAMES, TARGETS, st.none() | REASONS), max_size=30)


def counted(events: list[tuple[str, str, str | None]]) -> Counts:
    """One row for each event: made where there is no reason, else dropped."""
    counts = Counts()
    for name, target, reason in events:
        if reason is None:
            counts.rows[Made(name, target)] += 1
        else:
            counts.dropped[Dropped(name, target, reason)] += 1
    return counts


@given(EVENTS, EVENTS)
def test_every_row_is_in_the_records_once(one: list, other: list) -> None:
    counts = counted(one)
    counts.add(counted(other))
    events = one + other
    records = subset_records(RECIPE, counts)
    assert [(record.name, record.weight) for record in records] == [("TT", 2), ("LL", 1), ("LT", 1)]
    for record in records:
        of = [event for event in events if event[0] == record.name]
        assert record.rows == sum(record.targets.values()) == sum(reason is None for _, _, reason in of)
        assert record.rows + sum(record.dropped.values()) == len(of)
        assert list(record.dropped.values()) == sorted(record.dropped.values(), reverse=True)
        assert list(record.targets) == sorted(record.targets)
    assert sum(total_dropped(counts).values()) + sum(record.rows for record in records) == len(events)


def test_switched_words_stand_beside_the_covered_ones() -> None:
    counts = Counts()
    counts.switchable[Switching("eng_Latn", "jpn_Jpan")] += 4
    counts.switchable[Switching("eng_Latn", "deu_Latn")] += 8
    counts.switched[Switching("eng_Latn", "deu_Latn")] += 2
    counts.switchable[Switching("deu_Latn", "eng_Latn")] += 0
    records = switch_records(counts)
    assert records == (
        SwitchRecord("deu_Latn", "eng_Latn", 0, 0),
        SwitchRecord("eng_Latn", "deu_Latn", 2, 8),
        SwitchRecord("eng_Latn", "jpn_Jpan", 0, 4),
    )
    assert [record.rate for record in records] == [None, 0.25, 0.0]


def test_tasks_add_up_and_a_dictionary_that_two_have_read_stands_once() -> None:
    key = Switching("eng_Latn", "deu_Latn")
    dictionary = DictionaryRecord(*key, "en-de.txt", 3)
    one = Done(dictionaries={key: dictionary}, parallel=[ParallelRecord("eng_Latn", "deu_Latn", 2, ())], rows=5)
    other = Done(counts=counted([("TT", "deu_Latn", None)]), dictionaries={key: dictionary}, rows=7)
    total = Done()
    total.add(one)
    total.add(other)
    assert total.rows == 12 and total.dictionaries == {key: dictionary} and len(total.parallel) == 1
    assert total.counts.rows == {Made("TT", "deu_Latn"): 1}
    assert one.rows == 5 and one.counts.rows == {}  # what was added is not changed
