"""Sentences that tell a model what to do: the tasks on parallel text, and requests for an answer's language."""

from string import Formatter

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language

TRANSLATE = "Translate the following sentence from {source} to {target}."
"""SDRRL's mt instruction."""

COMPLETE = "Complete the following sentence in {language} according to its context."
"""SDRRL's comp instruction."""

TRANSLATE_POOL = [
    TRANSLATE,
    "Translate the following sentences from {source} to {target}.",  # x-LLM's, used at test time
    "Please translate this {source} text into {target}.",
    "What is the {target} translation of the following {source} sentence?",
    "Give the {target} equivalent of this {source} sentence.",
    "Render the following {source} text in {target}.",
    "How would you say this in {target}?",
    "Rewrite the {source} sentence below in {target}.",
    "The sentence below is written in {source}. Write it in {target}.",
    "Provide a faithful {target} translation of the {source} input.",
    "Turn this {source} sentence into natural {target}.",
    "I have a text in {source}. Could you translate it into {target} for me?",
    "Convert the {source} passage below to {target}, keeping its meaning.",
    "Act as a translator from {source} to {target} and translate the input.",
    "Your task is to translate from {source} to {target}.",
    "Express the meaning of the following {source} sentence in {target}.",
    "Read the {source} sentence and write down its translation in {target}.",
    "Help a {target} speaker understand this {source} sentence by translating it.",
    "Translate into {target}.",
    "Produce an accurate and fluent {target} version of this {source} text.",
    "Can you put the following {source} sentence into {target}?",
    "Supply the {target} translation for the text given in {source}.",
    "Write the {target} sentence that means the same as the {source} one below.",
    "From {source} to {target}: translate the text.",
]
"""Instructions for x-LLM's translation task, which trains under many of them (its public code has 33)."""

COMPLETE_POOL = [
    COMPLETE,
    "Continue this {language} text so that it becomes a whole sentence.",
    "The following {language} sentence breaks off. Write it out in full.",
    "Finish the sentence below in {language}.",
    "Here is the beginning of a {language} sentence. Give the complete sentence.",
    "How might this {language} sentence go on? Write the whole sentence.",
]

NATIVE = {
    "eng_Latn": "Please answer in English.",
    "arb_Arab": "من فضلك أجب باللغة العربية.",
    "ben_Beng": "অনুগ্রহ করে বাংলায় উত্তর দিন।",
    "bul_Cyrl": "Моля, отговорете на български.",
    "cat_Latn": "Si us plau, respon en català.",
    "ces_Latn": "Odpovězte prosím česky.",
    "dan_Latn": "Svar venligst på dansk.",
    "deu_Latn": "Bitte antworte auf Deutsch.",
    "ell_Grek": "Παρακαλώ απαντήστε στα ελληνικά.",
    "est_Latn": "Palun vasta eesti keeles.",
    "fin_Latn": "Vastaa suomeksi.",
    "fra_Latn": "Veuillez répondre en français.",
    "heb_Hebr": "אנא ענו בעברית.",
    "hin_Deva": "कृपया हिन्दी में उत्तर दें।",
    "hrv_Latn": "Molimo odgovorite na hrvatskom jeziku.",
    "hun_Latn": "Kérlek, magyarul válaszolj.",
    "ind_Latn": "Tolong jawab dalam bahasa Indonesia.",
    "isl_Latn": "Vinsamlegast svaraðu á íslensku.",
    "ita_Latn": "Per favore, rispondi in italiano.",
    "jpn_Jpan": "日本語で答えてください。",
    "khm_Khmr": "សូមឆ្លើយជាភាសាខ្មែរ។",
    "kor_Hang": "한국어로 답해 주세요.",
    "lit_Latn": "Prašome atsakyti lietuviškai.",
    "lvs_Latn": "Lūdzu, atbildiet latviski.",
    "nld_Latn": "Antwoord alsjeblieft in het Nederlands.",
    "nob_Latn": "Vennligst svar på norsk.",
    "pes_Arab": "لطفاً به فارسی پاسخ دهید.",
    "pol_Latn": "Proszę odpowiedzieć po polsku.",
    "por_Latn": "Por favor, responda em português.",
    "ron_Latn": "Te rog să răspunzi în română.",
    "rus_Cyrl": "Пожалуйста, ответьте на русском языке.",
    "slk_Latn": "Odpovedzte prosím po slovensky.",
    "slv_Latn": "Prosim, odgovorite v slovenščini.",
    "spa_Latn": "Por favor, responde en español.",
    "srp_Cyrl": "Молимо одговорите на српском језику.",
    "swe_Latn": "Vänligen svara på svenska.",
    "swh_Latn": "Tafadhali jibu kwa Kiswahili.",
    "tam_Taml": "தயவுசெய்து தமிழில் பதிலளிக்கவும்.",
    "tha_Thai": "กรุณาตอบเป็นภาษาไทย",
    "tur_Latn": "Lütfen Türkçe cevap verin.",
    "ukr_Cyrl": "Будь ласка, дайте відповідь українською мовою.",
    "urd_Arab": "براہ کرم اردو میں جواب دیں۔",
    "vie_Latn": "Vui lòng trả lời bằng tiếng Việt.",
    "zho_Hans": "请用中文回答。",
    "zho_Hant": "請用中文回答。",
    "zsm_Latn": "Sila jawab dalam bahasa Melayu.",
}
"""'Please answer in {language}.' in the language itself (Self-Translate-Train)."""


FORMATS = {
    "squad": "Context: {input}\nQuestion: {instruction}",
    "multinli": "Premise: {input}\nHypothesis: {instruction}\n"
    "What is their logical relation? Entailment, Neutral or Contradiction.",
}
"""Questions of SQuAD (input: the context) and MultiNLI (input: the premise) as Self-Translate-Train writes them
(arXiv 2407.00454, figures 3 and 4, table 4). The fields are translated one by one before."""


def question_format(choice: str) -> str:
    """The format of that name, or `choice` itself, which is one."""
    return FORMATS.get(choice, choice)


def ask(style: str, flores: str) -> str:
    """The sentence that asks for an answer in a language.

    `style` is 'native' (in the language itself) or a text with {language}, which becomes its English name.

    Raises:
        UserError: 'native' for a language that has no sentence here.
    """
    if style != "native":
        return style.format(language=get_language(flores).name)
    if flores not in NATIVE:
        raise UserError(
            f"no sentence 'Please answer in {get_language(flores).name}.' in {flores} itself is known. Ask in English "
            "instead, in each subset with `ask: native`: --set 'subsets.LT.ask=Please answer in {language}.'"
        )
    return NATIVE[flores]


def templates(choice: str | list[str] | None, task: str) -> list[str]:
    """The instructions of a task on parallel text: the papers' one (None), 'pool', one of your own, or several."""
    translate = task == "translate"
    if choice is None:
        return [TRANSLATE if translate else COMPLETE]
    if choice == "pool":
        return TRANSLATE_POOL if translate else COMPLETE_POOL
    return [choice] if isinstance(choice, str) else choice


def fields(text: str) -> set[str]:
    """Names of the {fields} in a template.

    Raises:
        ValueError: the braces do not match.
    """
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
