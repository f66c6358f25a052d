"""Benchmarks in their official file formats: what is asked, and what the gold and an empty answer get."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.eval.benchmark import LacksLanguage, Wanted, benchmark
from polydistill.eval.config import Task
from polydistill.eval.data.sets import questions_of
from polydistill.eval.question import Answer, Question, from_table, to_table


def load(path: Path, language: str = "deu_Latn", **settings: Any) -> dict[str, list[Question]]:
    return questions_of(wanted(path, language, **settings))


def wanted(path: Path, language: str = "deu_Latn", split: str = "", native: bool = False, **settings: Any) -> Wanted:
    return Wanted(Task(**settings), path, language, "eng_Latn", split, native)


def values(questions: list[Question], answers: list[Answer], **settings: Any) -> dict[str, float]:
    task = Task(**settings)
    return {measure.name: measure.value for measure in benchmark(task.task).score(questions, answers, task)}


def gold(question: Question) -> Answer:
    """What a stand-in that knows everything answers."""
    return Answer(question.gold[0] if question.gold else "", choice=question.right)


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


BELEBELE = {
    "link": "https://example.org/a",
    "question_number": 2,
    "flores_passage": "Der Hund schläft.",
    "question": "Wer schläft?",
    "mc_answer1": "die Katze",
    "mc_answer2": "der Hund",
    "mc_answer3": "der Mann",
    "mc_answer4": "niemand",
    "correct_answer_num": "2",
    "dialect": "deu_Latn",
}


def test_belebele_by_letter_text_and_generation(tmp_path: Path) -> None:
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE)
    (letter,) = load(tmp_path, task="belebele")["belebele"]
    assert letter.id == "https://example.org/a#2"
    assert letter.choices == ("A", "B", "C", "D") and letter.right == 1
    assert letter.input.endswith("Wer schläft?\nA. die Katze\nB. der Hund\nC. der Mann\nD. niemand")
    (text,) = load(tmp_path, task="belebele", choices="text", normalize="characters")["belebele"]
    assert (text.instruction, text.input) == ("Wer schläft?", "Der Hund schläft.")
    assert text.choices[1] == "der Hund" and text.parts == (9.0, 8.0, 8.0, 7.0)
    (generated,) = load(tmp_path, task="belebele", choices="generate")["belebele"]
    assert generated.choices == () and generated.gold == ("B",)


@pytest.mark.parametrize(
    ("answer", "hit"),
    [("B", 100), ("b)", 100), ("The answer is B.", 100), ("(B) der Hund", 100), ("A", 0), ("", 0), ("BERLIN", 0)],
)
def test_belebele_reads_the_letter_of_a_generated_answer(tmp_path: Path, answer: str, hit: float) -> None:
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE)
    settings = {"task": "belebele", "choices": "generate"}
    questions = load(tmp_path, **settings)["belebele"]
    assert values(questions, [Answer(answer)], **settings) == {"accuracy": hit}


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE, {k: v for k, v in BELEBELE.items() if k != "question"})
    with pytest.raises(UserError, match=r"deu_Latn\.jsonl:2: field 'question' is missing"):
        load(tmp_path, task="belebele")
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE | {"correct_answer_num": "5"})
    with pytest.raises(UserError, match="correct_answer_num is '5'"):
        load(tmp_path, task="belebele")
    (tmp_path / "deu_Latn.jsonl").write_bytes(b'{"question": "\xff"}\n')
    with pytest.raises(UserError, match="not UTF-8"):
        load(tmp_path, task="belebele")


def test_a_missing_file_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"belebele in deu_Latn .*deu_Latn\.jsonl"):
        load(tmp_path, task="belebele")


def test_flores_asks_both_ways(tmp_path: Path) -> None:
    folder = tmp_path / "devtest"
    folder.mkdir()
    (folder / "eng_Latn.devtest").write_text("One.\nThese are two\u2028whole lines.\n", encoding="utf-8")
    (folder / "deu_Latn.devtest").write_text("Eins.\nDas sind zwei\u2028ganze Zeilen.\n", encoding="utf-8")
    sets = load(tmp_path, task="flores")
    into, back = sets["flores_into"], sets["flores_from"]
    assert into[1].instruction == "Translate the following sentence from English to German."
    assert (into[1].input, into[1].gold, into[1].answer_language) == (
        "These are two\u2028whole lines.",
        ("Das sind zwei\u2028ganze Zeilen.",),
        "deu_Latn",
    )
    assert (back[0].input, back[0].gold, back[0].answer_language) == ("Eins.", ("One.",), "eng_Latn")
    assert load(tmp_path, task="flores", language="eng_Latn") == {}
    assert set(load(tmp_path, task="flores", directions="into")) == {"flores_into"}
    perfect = values(into, [gold(q) for q in into], task="flores", bleu_tokenizer="language")
    assert perfect == pytest.approx({"bleu": 100, "chrf++": 100})


def test_flores_must_be_parallel(tmp_path: Path) -> None:
    (tmp_path / "devtest").mkdir()
    (tmp_path / "devtest/eng_Latn.devtest").write_text("One.\nTwo.\n", encoding="utf-8")
    (tmp_path / "devtest/deu_Latn.devtest").write_text("Eins.\n", encoding="utf-8")
    with pytest.raises(UserError, match="not parallel"):
        load(tmp_path, task="flores")


def test_mkqa_with_answers_aliases_and_none(tmp_path: Path) -> None:
    rows = [
        {
            "example_id": 1,
            "query": "who",
            "queries": {"en": "who", "de": "wer", "zh_cn": "谁"},
            "answers": {
                "en": [{"type": "entity", "entity": "Q1", "text": "the Beatles", "aliases": ["Beatles"]}],
                "de": [{"type": "entity", "entity": "Q1", "text": "die Beatles"}],
                "zh_cn": [{"type": "entity", "entity": "Q1", "text": "披头士", "aliases": []}],
            },
        },
        {
            "example_id": 2,
            "query": "why",
            "queries": {"en": "why", "de": "warum", "zh_cn": "为什么"},
            "answers": {key: [{"type": "unanswerable", "entity": None, "text": None}] for key in ("en", "de", "zh_cn")},
        },
    ]
    jsonl(tmp_path / "mkqa.jsonl.gz", *rows)
    questions = load(tmp_path, "deu_Latn", task="mkqa")["mkqa"]
    assert [q.gold for q in questions] == [("die Beatles",), ("",)]
    assert load(tmp_path, "zho_Hans", task="mkqa")["mkqa"][0].instruction == "谁"
    with pytest.raises(LacksLanguage, match="'ja'"):
        load(tmp_path, "jpn_Jpan", task="mkqa")
    # Right where there is an answer, and something where there is none: the threshold can only lose the second.
    answers = [Answer("Beatles", logprob=-0.1), Answer("darum", logprob=-3.0)]
    found = values(questions, answers, task="mkqa")
    assert found == {"f1": 100, "em": 100, "f1_all": 50, "f1_tuned": 100}
    assert values(questions, [Answer(""), Answer("")], task="mkqa") == {"f1": 0, "em": 0, "f1_all": 50, "f1_tuned": 50}


def test_xlsum_names_its_files_by_language(tmp_path: Path) -> None:
    row = {"id": "1", "url": "u", "title": "t", "summary": "中国的首都是北京。", "text": "很长的文章。"}
    jsonl(tmp_path / "chinese_simplified_test.jsonl", row)
    questions = load(tmp_path, "zho_Hans", task="xlsum")["xlsum"]
    assert questions[0].input == "很长的文章。"
    assert values(questions, [gold(q) for q in questions], task="xlsum") == {
        "rouge1": 100,
        "rouge2": 100,
        "rougeL": 100,
    }
    assert values(questions, [Answer("")], task="xlsum") == {"rouge1": 0, "rouge2": 0, "rougeL": 0}


SQUAD = {
    "data": [
        {
            "title": "t",
            "paragraphs": [
                {
                    "context": "Der Rhein fließt durch Köln.",
                    "qas": [
                        {"id": "q1", "question": "Was fließt?", "answers": [{"text": "Der Rhein", "answer_start": 0}]}
                    ],
                }
            ],
        }
    ],
    "version": "1.1",
}


def test_xquad_by_both_rules(tmp_path: Path) -> None:
    (tmp_path / "xquad.de.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    questions = load(tmp_path, task="xquad")["xquad"]
    found = values(questions, [Answer("Rhein.")], task="xquad")
    assert found == pytest.approx({"f1": 200 / 3, "em": 0, "f1_language": 100, "em_language": 100, "substring": 0})


def test_mlqa(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test/test-context-de-question-de.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    questions = load(tmp_path, task="mlqa")["mlqa"]
    assert values(questions, [Answer("den Rhein")], task="mlqa") == {"f1": 100, "em": 100, "substring": 0}


def test_mgsm_and_its_examples(tmp_path: Path) -> None:
    (tmp_path / "mgsm_de.tsv").write_text("Wie viel?\t1,000\nWie lang?\t-3\n", encoding="utf-8")
    (tmp_path / "exemplars.py").write_text(
        'import os\nMGSM_EXEMPLARS = {"de": {"1": {"q": "Frage: Was ist 1+1?", "a": "Schritt: Das ist 2."}}}\n'
    )
    questions = load(tmp_path, task="mgsm")["mgsm"]
    assert values(questions, [Answer("Also 1.000 Euro."), Answer("Es sind −3 m.")], task="mgsm") == {"accuracy": 100}
    assert values(questions, [Answer("1"), Answer("3")], task="mgsm") == {"accuracy": 0}
    (shot,) = load(tmp_path, split="exemplars", task="mgsm")["mgsm"]
    assert (shot.input, shot.gold) == ("Was ist 1+1?", ("Das ist 2.",))


def test_xnli_in_the_words_of_the_language(tmp_path: Path) -> None:
    head = "language gold_label x x x x sentence1 sentence2 promptID pairID".replace(" ", "\t")
    row = "de\tcontradiction\t\t\t\t\tEr schläft.\tEr ist wach.\t1\t7"
    (tmp_path / "xnli.test.tsv").write_text(f"{head}\n{row}\n{row.replace('de', 'en', 1)}\n", encoding="utf-8")
    (question,) = load(tmp_path, task="xnli")["xnli"]
    assert question.plain and question.instruction == "Er schläft., richtig?"
    assert (
        question.choices == (" Ja, Er ist wach.", " Auch, Er ist wach.", " Nein, Er ist wach.") and question.right == 2
    )


def test_xcopa(tmp_path: Path) -> None:
    row = {
        "premise": "Kran terbuka.",
        "choice1": "Toilet penuh.",
        "choice2": "Air mengalir.",
        "question": "effect",
        "label": 1,
        "idx": 3,
    }
    jsonl(tmp_path / "id/test.id.jsonl", row)
    (question,) = load(tmp_path, "ind_Latn", task="xcopa")["xcopa"]
    assert (
        question.instruction == "Kran terbuka maka" and question.choices[1] == " air mengalir." and question.right == 1
    )


def test_turkish_capitals_and_haitian_words_of_xcopa(tmp_path: Path) -> None:
    row = {"premise": "P.", "choice1": "Işık söndü.", "choice2": "İp koptu.", "question": "cause", "label": 0}
    jsonl(tmp_path / "tr/test.tr.jsonl", row)
    jsonl(tmp_path / "ht/test.ht.jsonl", row)
    (turkish,) = load(tmp_path, "tur_Latn", task="xcopa")["xcopa"]
    assert turkish.choices == (" ışık söndü.", " ip koptu.")
    assert load(tmp_path, "hat_Latn", task="xcopa")["xcopa"][0].instruction == "P paske"


def test_sib200(tmp_path: Path) -> None:
    (tmp_path / "deu_Latn").mkdir()
    file = tmp_path / "deu_Latn/test.tsv"
    file.write_text("index_id\tcategory\ttext\n7\tsports\tDas Spiel begann.\n", encoding="utf-8")
    questions = load(tmp_path, task="sib200")["sib200"]
    assert questions[0].choices[questions[0].right] == "sports"
    assert values(questions, [gold(q) for q in questions], task="sib200") == {"accuracy": 100, "accuracy_norm": 100}
    file.write_text("7\tDas Spiel begann.\n", encoding="utf-8")
    with pytest.raises(UserError, match="without topics"):
        load(tmp_path, task="sib200")


def test_mlama_ranks_the_objects_of_a_relation(tmp_path: Path) -> None:
    jsonl(
        tmp_path / "de/templates.jsonl",
        {"relation": "P36", "template": "Die Hauptstadt von [X] ist [Y] ."},
        {"relation": "P0", "template": "[X] [Y]"},
    )
    jsonl(
        tmp_path / "de/P36.jsonl",
        {"sub_label": "Japan", "obj_label": "Tokio", "lineid": 1},
        {"sub_label": "Italien", "obj_label": "Rom", "lineid": 2},
    )
    questions = load(tmp_path, task="mlama")["mlama"]
    assert questions[0].instruction == "Die Hauptstadt von Japan ist" and questions[0].choices == (" Rom .", " Tokio .")
    assert [q.right for q in questions] == [1, 0]


def test_off_target_reads_dolly_and_bactrian(tmp_path: Path) -> None:
    (tmp_path / "de.json").write_text(
        json.dumps([{"instruction": "Nenne drei Farben.", "input": "", "id": "a-1", "output": "Rot, Grün und Blau."}])
    )
    (question,) = load(tmp_path, task="off_target")["off_target"]
    assert (question.id, question.answer_language, question.gold) == ("a-1", "deu_Latn", ("Rot, Grün und Blau.",))
    jsonl(tmp_path / "dolly-de.jsonl", {"instruction": "Was?", "context": "Das.", "response": "Ja.", "category": "x"})
    (dolly,) = load(tmp_path / "dolly-{iso1}.jsonl", task="off_target")["off_target"]
    assert (dolly.input, dolly.gold) == ("Das.", ("Ja.",))


def test_an_instruction_of_ones_own_per_language(tmp_path: Path) -> None:
    jsonl(tmp_path / "german_test.jsonl", {"id": "1", "summary": "s", "text": "t"})
    settings = {"task": "xlsum", "instruction": {"de": "Fasse zusammen."}}
    assert load(tmp_path, **settings)["xlsum"][0].instruction == "Fasse zusammen."


def test_sib200_files_are_csv_quoted(tmp_path: Path) -> None:
    (tmp_path / "deu_Latn").mkdir()
    text = 'index_id\tcategory\ttext\n7\tsports\t"Er sagte: ""Heute Apple..."""\n8\ttravel\tEin 5" Rohr\n'
    (tmp_path / "deu_Latn/test.tsv").write_text(text, encoding="utf-8")
    questions = load(tmp_path, task="sib200")["sib200"]
    assert [question.input for question in questions] == ['Er sagte: "Heute Apple..."', 'Ein 5" Rohr']


def test_mlama_is_a_mean_over_relations_by_tokens(tmp_path: Path) -> None:
    """Three facts of one relation right, one of another wrong: 50, not 75. The longer candidate wins per token."""
    templates = [{"relation": name, "template": "[X] ist [Y] ."} for name in ("P1", "P2")]
    jsonl(tmp_path / "de/templates.jsonl", *templates)
    jsonl(
        tmp_path / "de/P1.jsonl",
        *({"sub_label": f"s{i}", "obj_label": "ja"} for i in range(3)),
        {"sub_label": "t", "obj_label": "nein"},
    )
    jsonl(tmp_path / "de/P2.jsonl", {"sub_label": "s", "obj_label": "x"}, {"sub_label": "t", "obj_label": "y"})
    questions = load(tmp_path, task="mlama")["mlama"]
    answers = [Answer(scores=(-6.0, -4.0), lengths=(4, 2)) for _ in questions]  # per token -1.5 and -2: the first
    found = values(questions, answers, task="mlama")
    assert found == {"accuracy": pytest.approx(100 * (3 / 4 + 1 / 2) / 2), "accuracy_micro": pytest.approx(100 * 4 / 6)}


def test_mkqas_yes_and_no_count_in_the_language(tmp_path: Path) -> None:
    answers = {code: [{"type": "binary", "entity": None, "text": "yes"}] for code in ("de", "no", "en")}
    queries = dict.fromkeys(answers, "?")
    jsonl(tmp_path / "mkqa.jsonl", {"example_id": 1, "query": "?", "queries": queries, "answers": answers})
    for code, text in (("deu_Latn", "Ja."), ("nob_Latn", "ja"), ("nno_Latn", "yes"), ("eng_Latn", "Yes")):
        questions = load(tmp_path, code, task="mkqa")["mkqa"]
        assert values(questions, [Answer(text)], task="mkqa") == {"f1": 100, "em": 100}
        assert values(questions, [Answer("nein")], task="mkqa") == {"f1": 0, "em": 0}


WRONG: dict[str, tuple[str, dict[str, str], str]] = {
    "null": (
        "belebele",
        {"deu_Latn.jsonl": json.dumps(BELEBELE | {"question": None})},
        r"jsonl:1: field 'question' .* null",
    ),
    "a list": ("xlsum", {"german_test.jsonl": '{"text": [], "summary": "s"}'}, "field 'text' should be text"),
    "gold of mgsm": ("mgsm", {"mgsm_de.tsv": "Wie viel?\tdrei\n"}, "mgsm_de.tsv:1: expected a number"),
    "infinite gold": ("mgsm", {"mgsm_de.tsv": "Wie viel?\tNaN\n"}, "mgsm_de.tsv:1: expected a number"),
    "label of xnli": (
        "xnli",
        {"xnli.test.tsv": "language\tgold_label\tx\tx\tx\tpairID\tsentence1\tsentence2\nde\t-\t\t\t\t7\ta\tb\n"},
        "pairID 7: gold_label '-'",
    ),
    "half a character": ("xlsum", {"german_test.jsonl": '{"text": "\\ud800", "summary": "s"}'}, "half a character"),
    "another shape": ("xquad", {"xquad.de.json": '{"data": 5}'}, "not in the format of xquad"),
    "a path as a relation": (
        "mlama",
        {"de/templates.jsonl": '{"relation": "../../x", "template": "[X] [Y]"}'},
        "cannot be a file's name",
    ),
}


@pytest.mark.parametrize(("name", "files", "message"), WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_with_a_file_is_one_sentence(
    tmp_path: Path, name: str, files: dict[str, str], message: str
) -> None:
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load(tmp_path, task=name)


def test_questions_and_answers_survive_the_file() -> None:
    questions = [
        Question("a", "deu_Latn", "i", "x", ("g",), ("A", "B"), 1, parts=(1.0, 2.0)),
        Question("b", "jpn_Jpan", "i", gold=("g", "h"), answer_language="jpn_Jpan", source="s", plain=True),
    ]
    answers = [Answer("B", 1, (-2.0, -1.0), finish="choice"), Answer("x", logprob=-0.5, tokens=3, finish="stop")]
    assert from_table(to_table(questions, answers)) == (questions, answers)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "languages"),
    [("xquad", "ar de el en es hi ro ru th tr vi zh"), ("mgsm", "bn de en es fr ja ru sw te th zh")],
)
def test_the_real_sets_give_all_to_gold_and_nothing_to_silence(data: Path, name: str, languages: str) -> None:
    for language in languages.split():
        questions = load(data / name, language_code(language), task=name)[name]
        assert len(questions) == {"xquad": 1190, "mgsm": 250}[name]
        assert set(values(questions, [gold(q) for q in questions], task=name).values()) == {100.0}
        assert set(values(questions, [Answer()] * len(questions), task=name).values()) == {0.0}


@pytest.mark.data
def test_all_real_sib200_languages_are_parallel_text(data: Path) -> None:
    """20 of the 1,004 sentences in each of the 206 languages, both directions."""
    codes = sorted(path.name.partition(".")[0] for path in (data / "sib200").glob("*.tsv.gz"))
    assert len(codes) == 206
    settings = {"task": "flores", "bleu_tokenizer": "language"}
    for language in codes:
        sets = load(data / "sib200", language, task="flores")
        assert len(sets) == (0 if language == "eng_Latn" else 2)
        for questions in sets.values():
            assert len(questions) == 1004
            few = questions[:20]
            assert values(few, [gold(q) for q in few], **settings) == pytest.approx({"bleu": 100, "chrf++": 100})
            assert values(few, [Answer()] * 20, **settings) == {"bleu": 0, "chrf++": 0}


@pytest.mark.data
def test_the_real_sib200_sentences_are_parallel_text(data: Path) -> None:
    sets = load(data / "sib200", "jpn_Jpan", task="flores")
    assert len(sets["flores_into"]) == len(sets["flores_from"]) == 1004
    questions = sets["flores_from"]
    settings = {"task": "flores", "bleu_tokenizer": "language"}
    assert values(questions, [gold(q) for q in questions], **settings) == pytest.approx({"bleu": 100, "chrf++": 100})
    assert values(questions, [Answer()] * len(questions), **settings) == {"bleu": 0, "chrf++": 0}


def test_a_benchmark_may_be_a_dataset_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own cache layout, filled by hand: nothing is fetched."""
    from huggingface_hub import constants

    from polydistill.eval.data.files import local

    commit = "0" * 40
    cached = tmp_path / "datasets--someone--belebele"
    jsonl(cached / "snapshots" / commit / "data" / "deu_Latn.jsonl", BELEBELE)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(load(local("someone/belebele"), task="belebele")["belebele"]) == 1
    with pytest.raises(UserError, match=r"someone/missing: no such folder, and the hub gives no such dataset"):
        local("someone/missing")
