"""The hub's API, as far as `datasets` and `huggingface_hub` ask for it, and plain files, on loopback."""

import contextlib
import hashlib
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Revisions = dict[str, dict[str, bytes]]
"""Branch or tag -> path -> content."""


def commit_of(files: dict[str, bytes]) -> str:
    """The commit of a revision with those files: 40 hex digits."""
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()


def serving(name: str, revisions: Revisions) -> contextlib.AbstractContextManager[str]:
    """Serve one data set; gives the endpoint's address.

    Args:
        name: ORG/NAME.
        revisions: its revisions, of which "main" is the default.
    """
    return serving_all({f"datasets/{name}": revisions}, {})


@contextlib.contextmanager
def serving_all(repositories: Mapping[str, Revisions], plain: Mapping[str, bytes]) -> Iterator[str]:
    """Serve several repositories and files beside them.

    Args:
        repositories: models/ORG/NAME or datasets/ORG/NAME -> its revisions.
        plain: path -> content of files that are not on the hub.
    """
    known = {
        name: revisions | {commit_of(files): files for files in revisions.values()}
        for name, revisions in repositories.items()
    }

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            found = re.fullmatch(r"/api/([^/]+/[^/]+/[^/]+)/paths-info/([^/]+)", self._path())
            if found and found[2] in known.get(found[1], {}):
                wanted = urllib.parse.parse_qs(body).get("paths") or json.loads(body)["paths"]
                self._json(_entries(known[found[1]][found[2]], wanted))
            else:
                self._missing()

        def do_GET(self) -> None:
            path = self._path()
            if path in plain:
                return self._send(200, plain[path], {})
            if found := re.fullmatch(r"/api/([^/]+/[^/]+/[^/]+)(?:/revision/([^/]+))?", path):
                files = known.get(found[1], {}).get(found[2] or "main")
                if files is not None:
                    siblings = [{"rfilename": one, "size": len(content)} for one, content in files.items()]
                    about = {"id": found[1].partition("/")[2], "sha": commit_of(files), "tags": ["license:mit"]}
                    return self._json(about | {"siblings": siblings, "private": False})
            elif found := re.fullmatch(r"/api/([^/]+/[^/]+/[^/]+)/tree/([^/]+)/?(.*)", path):
                files = known.get(found[1], {}).get(found[2], {})
                folder = f"{found[3]}/" if found[3] else ""
                inside = [one for one in files if one.startswith(folder)]
                if inside:
                    return self._json(_entries(files, [*inside, *_folders(inside, folder)]))
            elif found := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                files = known.get(f"{found[1] or 'models/'}{found[2]}", {}).get(found[3], {})
                if found[4] in files:
                    return self._file(files[found[4]], commit_of(files))
            self._missing()

        def _path(self) -> str:
            return urllib.parse.unquote(self.path.partition("?")[0])

        def _missing(self) -> None:
            kind = "RevisionNotFound" if "revision" in self.path else "EntryNotFound"
            here = any(name.partition("/")[2] in self._path() for name in known)
            self._send(404, b"", {"X-Error-Code": kind if here else "RepoNotFound"})

        def _json(self, value: Any) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _file(self, content: bytes, commit: str) -> None:
            headers = {
                "X-Repo-Commit": commit,
                "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
                "Accept-Ranges": "bytes",
            }
            span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not span:
                return self._send(200, content, headers)
            start, end = int(span[1]), min(int(span[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            self._send(206, content[start : end + 1], headers)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _folders(paths: list[str], below: str) -> list[str]:
    parts = [path[len(below) :].split("/")[:-1] for path in paths]
    return sorted({below + "/".join(part[: i + 1]) for part in parts for i in range(len(part))})


def _entries(files: dict[str, bytes], paths: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in paths:
        if path in files:
            oid = hashlib.sha1(files[path]).hexdigest()
            found.append({"type": "file", "path": path, "size": len(files[path]), "oid": oid})
        elif any(one.startswith(f"{path}/") for one in files):
            found.append({"type": "directory", "path": path, "size": 0, "oid": "0" * 40})
    return found
