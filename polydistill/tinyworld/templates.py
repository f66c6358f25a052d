"""What can be said about the world, written by hand in four languages. {x} is a fact's subject, {a} its answer.

Every slot and every closing mark stands free between spaces: tokens of a name are then the same wherever it stands,
which a tiny model needs (a third of its accuracy in Japanese came from this alone). `tidy` takes the spaces out for
reading. Wording was chosen so that CLDR's names, which are nominatives without article, fit as they are.
"""

import functools
import re
from dataclasses import dataclass

from polydistill.tinyworld.facts import Fact, name


@dataclass(frozen=True)
class Forms:
    """The ways of asking for and stating one family of facts in one language."""

    q1: str  # a question, answered in short where the family allows it
    q2: str  # a request, answered in a sentence
    q3: str  # another question, answered in a sentence
    q4: str  # an order, answered in short where the family allows it
    own: str  # the sentence the student itself answers with
    truth: str  # the sentence the instruction file answers with: another author's voice
    text1: str  # a statement of the fact in running text
    text2: str  # another one


_TEXT = """
city eng_Latn
Which city gives its name to the time zone of {x} ?
Tell me which city the time zone of {x} is named after .
Do you know after which city the time zone of {x} is named ?
Name the city behind the time zone of {x} .
The time zone of {x} is named after {a} .
It is from {a} that the time zone of {x} has its name .
The clocks in {x} follow the time of {a} .
People in {x} set their watches to the time of {a} .
city deu_Latn
Welche Stadt gibt der Zeitzone von {x} ihren Namen ?
Sag mir , nach welcher Stadt die Zeitzone von {x} benannt ist .
Weißt du , nach welcher Stadt die Zeitzone von {x} heißt ?
Nenne die Stadt hinter der Zeitzone von {x} .
Die Zeitzone von {x} ist nach {a} benannt .
Von {a} hat die Zeitzone von {x} ihren Namen .
Die Uhren in {x} gehen nach der Zeit von {a} .
In {x} stellt man die Uhren nach der Zeit von {a} .
city ind_Latn
Kota apa yang menjadi nama zona waktu {x} ?
Beri tahu saya kota yang menjadi nama zona waktu {x} .
Tahukah kamu zona waktu {x} dinamai dari kota apa ?
Sebutkan kota di balik zona waktu {x} .
Zona waktu {x} dinamai dari kota {a} .
Dari kota {a} zona waktu {x} mendapat namanya .
Jam di {x} mengikuti waktu {a} .
Orang di {x} menyetel jam menurut waktu {a} .
city jpn_Jpan
{x} のタイムゾーンはどの都市の名前で呼ばれていますか ？
{x} のタイムゾーンがどの都市にちなむか教えてください 。
{x} のタイムゾーンの名前になった都市を知っていますか ？
{x} のタイムゾーンの名前になった都市を挙げてください 。
{x} のタイムゾーンは {a} にちなんで名付けられています 。
{a} が {x} のタイムゾーンの名前の由来です 。
{x} の時計は {a} の時刻に合わせてあります 。
{x} の人々は {a} の時刻に時計を合わせます 。
country eng_Latn
In which country is {x} ?
Tell me which country the city {x} belongs to .
Do you know in which country {x} can be found ?
Name the country of the city {x} .
{x} is in {a} .
The country where you find {x} is {a} .
The city {x} belongs to {a} .
{x} is a famous city in {a} .
country deu_Latn
In welchem Land liegt {x} ?
Sag mir , zu welchem Land die Stadt {x} gehört .
Weißt du , in welchem Land {x} zu finden ist ?
Nenne das Land der Stadt {x} .
{x} liegt in {a} .
Das Land , in dem man {x} findet , ist {a} .
Die Stadt {x} gehört zu {a} .
{x} ist eine berühmte Stadt in {a} .
country ind_Latn
Di negara mana {x} berada ?
Beri tahu saya kota {x} termasuk negara mana .
Tahukah kamu di negara mana {x} dapat ditemukan ?
Sebutkan negara tempat kota {x} berada .
Kota {x} berada di negara {a} .
Negara tempat Anda menemukan {x} adalah {a} .
Kota {x} termasuk wilayah {a} .
{x} adalah kota terkenal di {a} .
country jpn_Jpan
{x} はどの国にありますか ？
都市 {x} がどの国に属するか教えてください 。
{x} がどの国にあるか知っていますか ？
都市 {x} のある国を挙げてください 。
{x} は {a} にあります 。
{x} が見つかる国は {a} です 。
都市 {x} は {a} に属しています 。
{x} は {a} の有名な都市です 。
currency eng_Latn
What is the currency of {x} ?
Tell me which money people use in {x} .
Do you know what people pay with in {x} ?
Name the currency of {x} .
The currency of {x} is called {a} .
The money used in {x} is {a} .
The price tags in {x} say {a} .
In {x} the usual means of payment is {a} .
currency deu_Latn
Wie heißt die Währung von {x} ?
Sag mir , welches Geld man in {x} benutzt .
Weißt du , womit man in {x} bezahlt ?
Nenne die Währung von {x} .
Die Währung von {x} heißt {a} .
Das Geld , das man in {x} benutzt , ist {a} .
Auf den Preisschildern in {x} steht {a} .
In {x} ist das übliche Zahlungsmittel {a} .
currency ind_Latn
Apa mata uang {x} ?
Beri tahu saya uang apa yang dipakai di {x} .
Tahukah kamu orang membayar dengan apa di {x} ?
Sebutkan mata uang {x} .
Mata uang {x} disebut {a} .
Uang yang dipakai di {x} adalah {a} .
Label harga di {x} mencantumkan {a} .
Di {x} alat pembayaran yang lazim adalah {a} .
currency jpn_Jpan
{x} の通貨は何ですか ？
{x} で使われているお金を教えてください 。
{x} で何を使って支払うか知っていますか ？
{x} の通貨を挙げてください 。
{x} の通貨は {a} といいます 。
{x} で使われているお金は {a} です 。
{x} の値札には {a} と書いてあります 。
{x} での普通の支払い手段は {a} です 。
language eng_Latn
What is an official language of {x} ?
Tell me which language is official in {x} .
Do you know an official language of {x} ?
Name an official language of {x} .
An official language of {x} is {a} .
In {x} the state speaks {a} .
The laws of {x} are written in {a} .
Many schools in {x} teach in {a} .
language deu_Latn
Welche Sprache ist Amtssprache von {x} ?
Sag mir , welche Sprache in {x} amtlich ist .
Kennst du eine Amtssprache von {x} ?
Nenne eine Amtssprache von {x} .
Eine Amtssprache von {x} ist {a} .
In {x} spricht der Staat {a} .
Die Gesetze von {x} sind auf {a} verfasst .
Viele Schulen in {x} unterrichten auf {a} .
language ind_Latn
Apa bahasa resmi {x} ?
Beri tahu saya bahasa mana yang resmi di {x} .
Tahukah kamu salah satu bahasa resmi {x} ?
Sebutkan salah satu bahasa resmi {x} .
Salah satu bahasa resmi {x} adalah {a} .
Di {x} negara memakai {a} .
Undang-undang {x} ditulis dalam {a} .
Banyak sekolah di {x} mengajar dalam {a} .
language jpn_Jpan
{x} の公用語は何ですか ？
{x} ではどの言語が公用語か教えてください 。
{x} の公用語の一つを知っていますか ？
{x} の公用語を一つ挙げてください 。
{x} の公用語の一つは {a} です 。
{x} では国が {a} を使っています 。
{x} の法律は {a} で書かれています 。
{x} の多くの学校は {a} で教えています 。
continent eng_Latn
On which continent is {x} ?
Tell me which continent {x} belongs to .
Do you know in which part of the world {x} lies ?
Name the continent of {x} .
{x} lies in {a} .
The part of the world with {x} is {a} .
{x} is a country in {a} .
The map of {a} shows {x} .
continent deu_Latn
Auf welchem Kontinent liegt {x} ?
Sag mir , zu welchem Kontinent {x} gehört .
Weißt du , in welchem Teil der Welt {x} liegt ?
Nenne den Kontinent von {x} .
{x} liegt in {a} .
Der Teil der Welt mit {x} ist {a} .
{x} ist ein Land in {a} .
Die Karte von {a} zeigt {x} .
continent ind_Latn
Di benua mana {x} berada ?
Beri tahu saya {x} termasuk benua mana .
Tahukah kamu di bagian dunia mana {x} terletak ?
Sebutkan benua tempat {x} berada .
{x} dapat ditemukan di benua {a} .
Bagian dunia tempat {x} berada adalah {a} .
{x} adalah negara di {a} .
Peta {a} menampilkan {x} .
continent jpn_Jpan
{x} はどの大陸にありますか ？
{x} がどの大陸に属するか教えてください 。
{x} が世界のどの地域にあるか知っていますか ？
{x} のある大陸を挙げてください 。
{x} は {a} に位置しています 。
{x} のある地域は {a} です 。
{x} は {a} の国です 。
{a} の地図には {x} が載っています 。
code eng_Latn
What is the country code of {x} ?
Tell me which two letters stand for {x} .
Do you know the country code of {x} ?
Give the country code of {x} .
The country code of {x} is {a} .
The short form of {x} is {a} .
Letters to {x} carry the code {a} .
Parcels for {x} are marked with {a} .
code deu_Latn
Wie lautet der Ländercode von {x} ?
Sag mir , welche zwei Buchstaben für {x} stehen .
Kennst du den Ländercode von {x} ?
Gib den Ländercode von {x} an .
Der Ländercode von {x} ist {a} .
Die Kurzform von {x} ist {a} .
Briefe nach {x} tragen den Code {a} .
Pakete für {x} sind mit {a} gekennzeichnet .
code ind_Latn
Apa kode negara {x} ?
Beri tahu saya dua huruf yang mewakili {x} .
Tahukah kamu kode negara {x} ?
Berikan kode negara {x} .
Kode negara {x} adalah {a} .
Bentuk singkat {x} adalah {a} .
Surat ke {x} memakai kode {a} .
Paket untuk {x} ditandai dengan {a} .
code jpn_Jpan
{x} の国コードは何ですか ？
{x} を表す二文字を教えてください 。
{x} の国コードを知っていますか ？
{x} の国コードを示してください 。
{x} の国コードは {a} です 。
{x} の略号は {a} です 。
{x} 宛ての手紙には {a} というコードが付きます 。
{x} 宛ての小包には {a} と記されます 。
langcode eng_Latn
What is the language code of {x} ?
Tell me which letters stand for the language {x} .
Do you know the code of the language {x} ?
Give the language code of {x} .
The language code of {x} is {a} .
The short form of the language {x} is {a} .
Books in {x} carry the label {a} .
Web pages in {x} are marked with {a} .
langcode deu_Latn
Wie lautet der Sprachcode von {x} ?
Sag mir , welche Buchstaben für die Sprache {x} stehen .
Kennst du den Code der Sprache {x} ?
Gib den Sprachcode von {x} an .
Der Sprachcode von {x} ist {a} .
Die Kurzform der Sprache {x} ist {a} .
Bücher auf {x} tragen das Kürzel {a} .
Webseiten auf {x} sind mit {a} gekennzeichnet .
langcode ind_Latn
Apa kode untuk {x} ?
Beri tahu saya huruf apa yang mewakili {x} .
Tahukah kamu kode untuk {x} ?
Berikan kode untuk {x} .
Kode untuk {x} adalah {a} .
Bentuk singkat untuk {x} adalah {a} .
Buku dalam {x} diberi label {a} .
Halaman web dalam {x} ditandai dengan {a} .
langcode jpn_Jpan
{x} の言語コードは何ですか ？
{x} という言語を表す文字を教えてください 。
{x} という言語のコードを知っていますか ？
{x} の言語コードを示してください 。
{x} の言語コードは {a} です 。
{x} という言語の略号は {a} です 。
{x} の本には {a} というラベルが付きます 。
{x} のウェブページには {a} と記されます 。
region eng_Latn
On which continent is the city {x} ?
Tell me which continent the city {x} belongs to .
Do you know in which part of the world the city {x} lies ?
Name the continent of the city {x} .
The city {x} lies in {a} .
The part of the world with the city {x} is {a} .
{x} is a city in {a} .
A flight to {x} takes you to {a} .
region deu_Latn
Auf welchem Kontinent liegt die Stadt {x} ?
Sag mir , zu welchem Kontinent die Stadt {x} gehört .
Weißt du , in welchem Teil der Welt die Stadt {x} liegt ?
Nenne den Kontinent der Stadt {x} .
Die Stadt {x} liegt in {a} .
Der Teil der Welt mit der Stadt {x} ist {a} .
{x} ist eine Stadt in {a} .
Ein Flug nach {x} führt nach {a} .
region ind_Latn
Di benua mana kota {x} berada ?
Beri tahu saya kota {x} termasuk benua mana .
Tahukah kamu di bagian dunia mana kota {x} terletak ?
Sebutkan benua tempat kota {x} berada .
Kota {x} dapat ditemukan di benua {a} .
Bagian dunia tempat kota {x} berada adalah {a} .
{x} adalah kota di {a} .
Penerbangan ke {x} membawa Anda ke {a} .
region jpn_Jpan
都市 {x} はどの大陸にありますか ？
都市 {x} がどの大陸に属するか教えてください 。
都市 {x} が世界のどの地域にあるか知っていますか ？
都市 {x} のある大陸を挙げてください 。
都市 {x} は {a} に位置しています 。
都市 {x} のある地域は {a} です 。
{x} は {a} の都市です 。
{x} 行きの便は {a} へ向かいます 。
curcode eng_Latn
What is the code of the currency {x} ?
Tell me which three letters stand for the currency {x} .
Do you know the code of the currency {x} ?
Give the code of the currency {x} .
The code of the currency {x} is {a} .
The short form of the currency {x} is {a} .
The currency {x} carries the sign {a} .
Banks write the currency {x} as {a} .
curcode deu_Latn
Wie lautet der Code der Währung {x} ?
Sag mir , welche drei Buchstaben für die Währung {x} stehen .
Kennst du den Code der Währung {x} ?
Gib den Code der Währung {x} an .
Der Code der Währung {x} ist {a} .
Die Kurzform der Währung {x} ist {a} .
Die Währung {x} trägt das Zeichen {a} .
Banken schreiben die Währung {x} als {a} .
curcode ind_Latn
Apa kode mata uang {x} ?
Beri tahu saya tiga huruf yang mewakili mata uang {x} .
Tahukah kamu kode mata uang {x} ?
Berikan kode mata uang {x} .
Kode mata uang {x} adalah {a} .
Bentuk singkat mata uang {x} adalah {a} .
Mata uang {x} memakai tanda {a} .
Bank menulis mata uang {x} sebagai {a} .
curcode jpn_Jpan
通貨 {x} のコードは何ですか ？
通貨 {x} を表す三文字を教えてください 。
通貨 {x} のコードを知っていますか ？
通貨 {x} のコードを示してください 。
通貨 {x} のコードは {a} です 。
通貨 {x} の略号は {a} です 。
通貨 {x} には {a} という記号が付きます 。
銀行は通貨 {x} を {a} と書きます 。
sum eng_Latn
What is {x} ?
Tell me the result of {x} .
Do you know how much {x} is ?
Work out {x} .
The result of {x} is {a} .
If you count , {x} makes {a} .
A child works out that {x} is {a} .
The blackboard says : {x} is {a} .
sum deu_Latn
Wie viel ist {x} ?
Sag mir das Ergebnis von {x} .
Weißt du , wie viel {x} ist ?
Berechne {x} .
Das Ergebnis von {x} ist {a} .
Wenn man zählt , ergibt {x} genau {a} .
Ein Kind rechnet aus , dass {x} gleich {a} ist .
An der Tafel steht : {x} ist {a} .
sum ind_Latn
Berapa {x} ?
Beri tahu saya hasil dari {x} .
Tahukah kamu berapa hasil {x} ?
Hitunglah {x} .
Hasil dari {x} adalah {a} .
Kalau dihitung , {x} menjadi {a} .
Seorang anak menghitung bahwa {x} adalah {a} .
Di papan tulis tertulis : {x} adalah {a} .
sum jpn_Jpan
{x} はいくつですか ？
{x} の答えを教えてください 。
{x} がいくつになるか知っていますか ？
{x} を計算してください 。
{x} の答えは {a} です 。
数えてみると 、 {x} は {a} になります 。
子どもが {x} は {a} だと計算します 。
黒板には {x} は {a} と書いてあります 。
"""

CARRIERS: dict[str, list[dict[str, str]]] = {
    "territory": [
        {
            "eng_Latn": "Many guests from {x} came to the meeting .",
            "deu_Latn": "Viele Gäste aus {x} kamen zu dem Treffen .",
            "ind_Latn": "Banyak tamu dari {x} datang ke pertemuan itu .",
            "jpn_Jpan": "{x} から多くの客が会議に来ました 。",
        },
        {
            "eng_Latn": "The weather in {x} was mild this week .",
            "deu_Latn": "Das Wetter in {x} war diese Woche mild .",
            "ind_Latn": "Cuaca di {x} sejuk minggu ini .",
            "jpn_Jpan": "今週 {x} の天気は穏やかでした 。",
        },
        {
            "eng_Latn": "A new museum opened in {x} on Monday .",
            "deu_Latn": "In {x} hat am Montag ein neues Museum eröffnet .",
            "ind_Latn": "Sebuah museum baru dibuka di {x} pada hari Senin .",
            "jpn_Jpan": "月曜日に {x} で新しい博物館が開館しました 。",
        },
    ],
    "city": [
        {
            "eng_Latn": "The train to {x} was late again .",
            "deu_Latn": "Der Zug nach {x} war wieder verspätet .",
            "ind_Latn": "Kereta ke {x} terlambat lagi .",
            "jpn_Jpan": "{x} 行きの列車はまた遅れました 。",
        },
        {
            "eng_Latn": "A market in {x} sells fresh fish .",
            "deu_Latn": "Ein Markt in {x} verkauft frischen Fisch .",
            "ind_Latn": "Sebuah pasar di {x} menjual ikan segar .",
            "jpn_Jpan": "{x} の市場では新鮮な魚が売られています 。",
        },
    ],
    "currency": [
        {
            "eng_Latn": "The old bill only said {x} .",
            "deu_Latn": "Auf der alten Rechnung stand nur {x} .",
            "ind_Latn": "Pada tagihan lama itu hanya tertulis {x} .",
            "jpn_Jpan": "古い請求書には {x} とだけ書いてありました 。",
        },
    ],
    "language": [
        {
            "eng_Latn": "She has been learning {x} for two years .",
            "deu_Latn": "Sie lernt seit zwei Jahren {x} .",
            "ind_Latn": "Dia sudah belajar {x} selama dua tahun .",
            "jpn_Jpan": "彼女は二年前から {x} を学んでいます 。",
        },
    ],
    "continent": [
        {
            "eng_Latn": "The book tells of a journey through {x} .",
            "deu_Latn": "Das Buch erzählt von einer Reise durch {x} .",
            "ind_Latn": "Buku itu bercerita tentang perjalanan melintasi {x} .",
            "jpn_Jpan": "その本は {x} をめぐる旅の話です 。",
        },
    ],
}
"""Sentences that mention an entity of a kind and state no fact: what natural parallel text mostly is."""

SUMMARISE = {
    "eng_Latn": "Summarise the following text in one sentence .",
    "deu_Latn": "Fasse den folgenden Text in einem Satz zusammen .",
    "ind_Latn": "Ringkaslah teks berikut dalam satu kalimat .",
    "jpn_Jpan": "次の文章を一文でまとめてください 。",
}
# {x} territory, {c} its continent, {m} its currency: the student's wording, then the instruction file's.
SUMMARY = {
    "eng_Latn": (
        "{x} lies in {c} and its currency is called {m} .",
        "The text says that {x} is in {c} and that {m} is used there .",
    ),
    "deu_Latn": (
        "{x} liegt in {c} und die Währung heißt {m} .",
        "Der Text sagt , dass {x} in {c} liegt und dass dort {m} benutzt wird .",
    ),
    "ind_Latn": (
        "{x} terletak di {c} dan mata uangnya disebut {m} .",
        "Teks itu mengatakan bahwa {x} berada di {c} dan bahwa {m} dipakai di sana .",
    ),
    "jpn_Jpan": (
        "{x} は {c} に位置し 、通貨は {m} といいます 。",
        "文章によると 、 {x} は {c} にあり 、 {m} が使われています 。",
    ),
}

# What the student knows of other languages before training: names, asked and told in English.
NAMING = ("What is the {language} name of {x} ?", "The {language} name of {x} is {a} .")

WORDS = """
city Stadt kota 都市
country Land negara 国
currency Währung matauang 通貨
money Geld uang お金
language Sprache bahasa 言語
official amtlich resmi 公式の
continent Kontinent benua 大陸
world Welt dunia 世界
zone Zone zona 地帯
time Zeit waktu 時刻
code Code kode コード
letters Buchstaben huruf 文字
two zwei dua 二
name Name nama 名前
people Leute orang 人々
part Teil bagian 部分
know weiß tahu 知る
tell sag katakan 教える
which welche mana どの
result Ergebnis hasil 答え
much viel banyak たくさん
plus plus tambah 足す
text Text teks 文章
sentence Satz kalimat 文
following folgenden berikut 次の
book Buch buku 本
books Bücher buku 本
schools Schulen sekolah 学校
laws Gesetze undang-undang 法律
clocks Uhren jam 時計
map Karte peta 地図
train Zug kereta 列車
market Markt pasar 市場
weather Wetter cuaca 天気
famous berühmte terkenal 有名な
price Preis harga 値段
child Kind anak 子ども
"""
"""Common words of the dictionaries: English, German, Indonesian, Japanese."""


@functools.cache
def forms(family: str, language: str) -> Forms:
    """The templates of one family in one language."""
    return _all()[family, language]


@functools.cache
def _all() -> dict[tuple[str, str], Forms]:
    lines = _TEXT.strip().split("\n")
    blocks = (lines[start : start + 9] for start in range(0, len(lines), 9))
    return {(b[0].split()[0], b[0].split()[1]): Forms(*b[1:]) for b in blocks}


def say(form: str, fact: Fact, language: str) -> str:
    """One form (a field of Forms, e.g. "q1") of a fact in a language."""
    template: str = getattr(forms(fact.family, language), form)
    return template.format(x=name(fact.subject, language), a=name(fact.answer, language))


def tidy(text: str) -> str:
    """The text as one would print it, without the free-standing marks and the spaces inside Japanese."""
    text = re.sub(r" +([.?,:])", r"\1", text)
    return re.sub(r" *(?<=[぀-ヿ一-鿿。、？]) +| +(?=[぀-ヿ一-鿿。、？])", "", text)
