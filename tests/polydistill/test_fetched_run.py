"""A shipped run file as it stands: `fetch` brings everything that it names, and then nothing is missing."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from polydistill import downloads
from polydistill.cli.main import app
from tests.engine.prompts.hub import serving_all
from tests.polydistill.test_sources import ROWS

TARGETS = {"deu_Latn": ("de", "german"), "ind_Latn": ("id", "indonesian"), "jpn_Jpan": ("ja", "japanese")}
PAIRS = "".join(f"Number {i}.\n" for i in range(1000)).encode()
XQUAD = json.dumps(
    {"data": [{"paragraphs": [{"context": "In Bonn.", "qas": [
        {"id": "1", "question": "Where?", "answers": [{"text": "Bonn", "answer_start": 3}]}
    ]}]}]}
).encode()  # fmt: skip
CARD = b"---\nlicense: mit\n---\n"
LANGUAGES = {"eng_Latn": ("en", "english"), **TARGETS}


def folder_of(path: Path) -> dict[str, bytes]:
    """A model's files as a repository."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def archive(kind: str, members: dict[str, str]) -> bytes:
    """As FLORES-200 and XL-Sum are packed: names begin with "./"."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=f"w:{kind}") as tar:  # type: ignore[call-overload]
        for name, text in members.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


def parquet(language: str) -> bytes:
    """A pair of OPUS-100."""
    content = io.BytesIO()
    rows = [{"en": f"Number {i}.", language: f"Nummer {i}."} for i in range(1000)]
    pq.write_table(pa.table({"translation": rows}), content)
    return content.getvalue()


def lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def mkqa() -> bytes:
    answer = {code: [{"type": "entity", "text": "Bonn"}] for code, _ in LANGUAGES.values()}
    queries = {code: "Where?" for code, _ in LANGUAGES.values()}
    return gzip.compress(lines([{"example_id": 1, "query": "Where?", "queries": queries, "answers": answer}]).encode())


def pieces(folder: Path) -> bytes:
    """A sentencepiece model, as sacreBLEU's tokenizers download it."""
    import sentencepiece

    text = iter([f"A sentence with number {i}." for i in range(50)])
    model = folder / "pieces"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=text, model_prefix=str(model), vocab_size=30, minloglevel=2
    )
    return model.with_suffix(".model").read_bytes()


@pytest.fixture(scope="module")
def published(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The hub and the other servers, with tinyworld's models under the names of real ones. Gives the hub's cache."""
    tmp_path = tmp_path_factory.mktemp("published")
    models = tiny / "models"
    rows = [{"instruction": f"Say {i}.", "input": "", "output": f"{i}."} for i in range(20)]
    alpaca = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), alpaca)
    comet = {name: content for name, content in folder_of(models / "comet").items() if not name.startswith("encoder/")}
    comet["hparams.yaml"] = comet["hparams.yaml"].replace(b": encoder\n", b": microsoft/infoxlm-large\n")
    chatting = folder_of(models / "student")
    tokenizer = json.loads(chatting["tokenizer_config.json"])
    tokenizer["chat_template"] = "{% for turn in messages %}{{ turn.content }}\n{% endfor %}"
    chatting["tokenizer_config.json"] = json.dumps(tokenizer).encode()
    repositories = {
        "models/HuggingFaceTB/SmolLM2-135M-Instruct": chatting,
        "models/facebook/nllb-200-distilled-600M": folder_of(models / "nllb"),
        "models/meta-llama/Llama-2-7b-hf": folder_of(models / "student"),
        "models/facebook/nllb-200-3.3B": folder_of(models / "nllb"),
        "models/Unbabel/wmt22-cometkiwi-da": comet,
        "models/microsoft/infoxlm-large": folder_of(models / "comet" / "encoder") | {"model.safetensors": b"large"},
        "datasets/tatsu-lab/alpaca": {
            "data/train-00000-of-00001.parquet": alpaca.getvalue(),
            "README.md": b"---\nlicense: mit\n---\n",
        },
        "datasets/facebook/belebele": {f"data/{code}.jsonl": ROWS["belebele"].encode() for code in LANGUAGES},
        "datasets/csebuetnlp/xlsum": {
            f"data/{name}_XLSum_v2.0.tar.bz2": archive(
                "bz2", {f"{name}_{split}.jsonl": ROWS["xlsum"] + "\n" for split in ("test", "val", "train")}
            )
            for _, name in LANGUAGES.values()
            if name != "german"  # XL-Sum has none
        },
        "datasets/MBZUAI/Bactrian-X": {
            f"data/{code}.json.gz": gzip.compress(ROWS["off_target"].encode()) for code, _ in LANGUAGES.values()
        },
        "datasets/Helsinki-NLP/opus-100": {
            f"{'-'.join(sorted(('en', code)))}/train-00000-of-00001.parquet": parquet(code)
            for code, _ in TARGETS.values()
        },
    }
    words = {"en": "dog", "de": "Hund", "id": "anjing", "ja": "犬"}
    devtest = {
        f"flores200_dataset/{split}/{code}.{split}": "A.\n" for code in LANGUAGES for split in ("dev", "devtest")
    }
    plain = {
        "/nllb/flores200_dataset.tar.gz": archive("gz", devtest),
        "/flores200sacrebleuspm": pieces(tmp_path),
        **{
            f"/thisserand/alpaca-lora-finetune-language/main/data/{name}": json.dumps(rows).encode()
            for name in ("source_tasks/tasks_translated_en.json", "translated/translated_tasks_de_openai_12k.json")
        },
        **{f"/fe1ixxu/ALMA/master/human_written_data/deen/train.de-en.{code}": PAIRS for code in ("de", "en")},
        **{f"/google-deepmind/xquad/master/xquad.{code}.json": XQUAD for code in ("de", "en")},
        **{f"/google-research/url-nlp/main/mgsm/mgsm_{code}.tsv": b"Two and two?\t4\n" for code in ("de", "en")},
        "/apple/ml-mkqa/raw/main/dataset/mkqa.jsonl.gz": mkqa(),
        **{
            f"/arrival/dictionaries/{a}-{b}.txt": f"{words[a]}\t{words[b]}\n".encode()
            for code, _ in TARGETS.values()
            for a, b in (("en", code), (code, "en"))
        },
    }
    everything = {name: {"main": files} for name, files in repositories.items()}
    with serving_all(everything, plain) as address, pytest.MonkeyPatch.context() as monkeypatch:
        real = downloads.url
        monkeypatch.setattr(downloads, "url", lambda source, file: elsewhere(real(source, file), address))
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        constants = {
            "ENDPOINT": address,
            "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_OFFLINE": False,
            "HF_HUB_CACHE": str(tmp_path / "hub"),
        }
        for name, value in constants.items():  # another test may have imported them before
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
        for module in ("polydistill.eval.scoring.sacrebleu_tokenizers", "sacrebleu.tokenizers.tokenizer_spm"):
            monkeypatch.setattr(f"{module}.SACREBLEU_DIR", str(tmp_path / "sacrebleu"))
        yield tmp_path / "hub"


def elsewhere(url: str, address: str) -> str:
    """The same path on this machine's server."""
    return f"{address}/{url.split('//', 1)[1].split('/', 1)[1]}"


def command(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_fetch_then_nothing_is_missing(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command("init", "run.yaml", "--kind", "one_gpu")
    mine = ("--set", "targets=de,id,ja")
    printed = command("fetch", "run.yaml", "--yes", *mine)
    for name in ("meta-llama/Llama-2-7b-hf", "tatsu-lab/alpaca", "MUSE", "OPUS-100", "FLORES-200", "XL-Sum", "MKQA"):
        assert name in printed
    assert "microsoft/infoxlm-large" in printed and not list(published.glob("*infoxlm*/**/*.safetensors"))
    assert "not published there: german_test.jsonl" in printed
    assert (tmp_path / "data/muse/de-en.txt").is_file() and (
        tmp_path / "data/flores/devtest/ind_Latn.devtest"
    ).is_file()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # models and rows are here
    for name in ("huggingface_hub.constants", "datasets.config"):
        monkeypatch.setattr(f"{name}.HF_HUB_OFFLINE", True)
    found = command("check", "run.yaml", "--cluster", *mine)
    assert "no problem found" in found and "xlsum" in found  # a note on German
    assert command("fetch", "run.yaml", *mine).endswith("everything is here\n")


def test_the_small_real_run(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with their German, parallel text and benchmarks from their repositories."""
    monkeypatch.chdir(tmp_path)
    command("init", "run.yaml", "--kind", "small_real")
    printed = command("fetch", "run.yaml", "--yes")
    for name in ("SmolLM2-135M-Instruct", "Alpaca with its German", "ALMA", "XQuAD", "MGSM", "Bactrian-X"):
        assert name in printed
    assert "not published" not in printed
    assert "run.yaml: no problem found" in command("check", "run.yaml", "--cluster")
