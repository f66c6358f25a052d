"""What the benchmarks in SQuAD's shape share: questions whose answer is a span of a passage."""

from collections.abc import Sequence
from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.benchmark import ENGLISH, Wanted
from polydistill.eval.data.files import checked, json_file, objects_in, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean
from polydistill.eval.scoring.overlap import best, mlqa_em, mlqa_f1, squad_em, squad_f1

RULES = {"squad": (squad_f1, squad_em), "mlqa": (mlqa_f1, mlqa_em)}

INSTRUCTIONS = {
    ENGLISH: "Answer the question with words taken from the passage.",
    "arb_Arab": "أجب عن السؤال بكلمات مأخوذة من النص.",
    "deu_Latn": "Beantworte die Frage mit Worten aus dem Text.",
    "ell_Grek": "Απάντησε στην ερώτηση με λέξεις από το κείμενο.",
    "spa_Latn": "Responde a la pregunta con palabras tomadas del texto.",
    "fra_Latn": "Réponds à la question avec des mots tirés du texte.",
    "hin_Deva": "गद्यांश से लिए गए शब्दों में प्रश्न का उत्तर दीजिए।",
    "ind_Latn": "Jawablah pertanyaan dengan kata-kata yang diambil dari teks.",
    "jpn_Jpan": "本文中の言葉を使って質問に答えてください。",
    "ron_Latn": "Răspunde la întrebare cu cuvinte luate din text.",
    "rus_Cyrl": "Ответьте на вопрос словами из текста.",
    "tha_Thai": "จงตอบคำถามโดยใช้คำจากบทความ",
    "tur_Latn": "Soruyu metinden alınan kelimelerle yanıtlayın.",
    "vie_Latn": "Hãy trả lời câu hỏi bằng từ ngữ lấy trong đoạn văn.",
    "zho_Hans": "请用原文中的词语回答问题。",
    "zho_Hant": "請用原文中的詞語回答問題。",
}


def answers_in(file: Path, wanted: Wanted) -> list[Question]:
    """Questions of a file in SQuAD 1.1's shape, whose answers are in the passage's language."""
    where = str(file)
    instruction = wanted.instruction(INSTRUCTIONS)
    questions = []
    for article in objects_in(json_file(file), "data", where):
        for paragraph in objects_in(article, "paragraphs", where):
            context = text_of(paragraph, "context", where)
            for row in objects_in(paragraph, "qas", where):
                at = f"{file}, question {row.get('id')}"
                checked(row, ("id", "question", "answers"), at)
                gold = tuple(dict.fromkeys(text_of(answer, "text", at) for answer in objects_in(row, "answers", at)))
                shown = f"{context}\n\n{text_of(row, 'question', at)}"
                identity, language = str(row["id"]), wanted.language
                questions.append(Question(identity, language, instruction, shown, gold, answer_language=language))
    if not questions:
        raise UserError(f"{file}: no question in it")
    return questions


def span_measures(questions: Sequence[Question], answers: Sequence[Answer], rules: Sequence[str]) -> list[Measure]:
    """F1 and exact match by each of `rules`; the first gives the plain names, then `substring`.

    `substring` is x-LLM's count: 1 where a gold answer occurs in the answer, as it stands (arXiv 2308.04948).
    """
    measures = []
    ids = [question.id for question in questions]
    pairs = list(zip(questions, answers))
    for index, rule in enumerate(rules):
        suffix = "" if index == 0 else "_language"
        for name, metric in zip(("f1", "em"), RULES[rule]):
            codes = [get_language(question.answer_language).locale for question, _ in pairs]
            scores = [best(metric, a.text, q.gold, code) for (q, a), code in zip(pairs, codes)]
            measures.append(mean(name + suffix, ids, scores, f"rules:{rule}"))
    held = [float(any(gold and gold in a.text for gold in q.gold)) for q, a in pairs]
    return [*measures, mean("substring", ids, held, "rules:x-llm")]
