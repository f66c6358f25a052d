"""Files of published sources from a server on this machine: sizes, archives, what is missing, what is cut off."""

import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from polydistill.downloads import Files, ask, download, url
from polydistill.engine.errors import UserError
from polydistill.sources import BENCHMARKS, DICTIONARIES, PARALLEL, Source, Wanted


def zipped(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


def tarred(kind: str, **members: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, text in members.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


CONTENT = {
    "/en-de.txt": b"dog Hund\n",
    "/de-en.txt": b"Hund dog\n",
    "/cut.txt": b"cut off",
    "/set.zip": zipped(V1__test__de="German"),
    "/set.tar.gz": tarred("gz", V1__test__de="German", V1__test__en="English"),
    "/set.tar.bz2": tarred("bz2", test__de="German"),
    "/broken.zip": b"PK not a zip",
    "/datasets/some/set/resolve/main/data/de.tsv": b"a\tb\n",
}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            content = CONTENT.get(self.path)
            self.send_response(404 if content is None else 200)
            extra = 5 if self.path == "/cut.txt" else 0
            self.send_header("Content-Length", str(len(content or b"") + extra))
            self.end_headers()

        def do_GET(self) -> None:
            asked.append(self.path)
            self.do_HEAD()
            self.wfile.write(CONTENT.get(self.path, b""))

        def log_message(self, *_: object) -> None:
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}", asked
    served.shutdown()
    thread.join()


def files(base: str, folder: Path, *wanted: Wanted) -> Files:
    return Files("dictionaries.path", Source("a set", "CC0", base, lambda source, targets: []), folder, wanted)


def test_what_is_missing_is_fetched_once(server: tuple[str, list[str]], tmp_path: Path) -> None:
    base, asked = server
    source = replace(DICTIONARIES["muse"], base=base)
    given = Files(
        "dictionaries.path", source, tmp_path / "muse", tuple(source.files("eng_Latn", ["deu_Latn", "ces_Latn"]))
    )
    found = ask(given)
    assert found.size == 18 and found.absent == ("en-cs.txt", "cs-en.txt")
    assert not asked and not (tmp_path / "muse").exists()  # sizes cost nothing and leave nothing
    assert download(given, found) == str(tmp_path / "muse")
    assert sorted(file.name for file in (tmp_path / "muse").iterdir()) == ["de-en.txt", "en-de.txt"]
    assert (tmp_path / "muse/en-de.txt").read_text() == "dog Hund\n"
    before = list(asked)
    download(given, ask(given))
    assert asked == before


@pytest.mark.parametrize(("address", "folder"), [("set.zip", "V1/"), ("set.tar.gz", "V1/"), ("set.tar.bz2", "")])
def test_files_out_of_archives(address: str, folder: str, server: tuple[str, list[str]], tmp_path: Path) -> None:
    given = files(server[0], tmp_path, Wanted("test/de", address, f"{folder}test/de"))
    download(given, ask(given))
    assert (tmp_path / "test/de").read_text() == "German"
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["de"]


def test_an_archive_is_fetched_once_for_all_its_files(server: tuple[str, list[str]], tmp_path: Path) -> None:
    base, asked = server
    given = files(base, tmp_path, *(Wanted(f"test/{code}", "set.tar.gz", f"V1/test/{code}") for code in ("de", "en")))
    asked.clear()
    download(given, ask(given))
    assert asked == ["/set.tar.gz"] and (tmp_path / "test/en").read_text() == "English"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted("cut.txt", "cut.txt"), "Run the command again"),
        (Wanted("x", "broken.zip", "x"), "not a whole archive"),
        (Wanted("x", "set.zip", "V1/test/ja"), "it has no file V1/test/ja"),
    ],
)
def test_what_does_not_come_whole_is_not_kept(
    wanted: Wanted, message: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    given = files(server[0], tmp_path, wanted)
    with pytest.raises(UserError, match=message):
        download(given, ask(given))
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be reached .* fetch it by hand and give its path"):
        ask(files("http://127.0.0.1:9", tmp_path, Wanted("a", "a")))


def test_the_hub_s_address(server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server[0])
    given = files("hub:some/set", tmp_path, Wanted("de.tsv", "data/de.tsv"))
    assert url(given.source, given.wanted[0]) == f"{server[0]}/datasets/some/set/resolve/main/data/de.tsv"
    download(given, ask(given))
    assert (tmp_path / "de.tsv").read_text() == "a\tb\n"


def test_every_source_says_its_license_and_its_files() -> None:
    for source in (*DICTIONARIES.values(), *PARALLEL.values(), *BENCHMARKS.values()):
        wanted = source.files("eng_Latn", ["deu_Latn", "zho_Hans"])
        assert source.license and wanted and len({each.name for each in wanted}) == len(wanted)
        assert all(not each.name.startswith(("/", ".")) for each in wanted)
