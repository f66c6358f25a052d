"""The hub's API for data sets, as far as `datasets` and `huggingface_hub` ask for it, on loopback."""

import contextlib
import hashlib
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Revisions = dict[str, dict[str, bytes]]
"""Branch or tag -> path -> content."""


def commit_of(files: dict[str, bytes]) -> str:
    """The commit of a revision with those files: 40 hex digits."""
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()


@contextlib.contextmanager
def serving(name: str, revisions: Revisions) -> Iterator[str]:
    """Serve one data set; gives the endpoint's address.

    Args:
        name: ORG/NAME.
        revisions: its revisions, of which "main" is the default.
    """
    known = revisions | {commit_of(files): files for files in revisions.values()}

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            found = re.fullmatch(rf"/api/datasets/{name}/paths-info/([^/]+)", self._path())
            if found and found[1] in known:
                wanted = urllib.parse.parse_qs(body).get("paths") or json.loads(body)["paths"]
                self._json(_entries(known[found[1]], wanted))
            else:
                self._missing()

        def do_GET(self) -> None:
            path = self._path()
            if path == f"/api/datasets/{name}" or path.startswith(f"/api/datasets/{name}/revision/"):
                revision = path.removeprefix(f"/api/datasets/{name}").removeprefix("/revision/") or "main"
                if revision in known:
                    files = known[revision]
                    siblings = [{"rfilename": one} for one in files]
                    return self._json({"id": name, "sha": commit_of(files), "siblings": siblings, "private": False})
            elif found := re.fullmatch(rf"/api/datasets/{name}/tree/([^/]+)/?(.*)", path):
                if found[1] in known:
                    files = known[found[1]]
                    folder = f"{found[2]}/" if found[2] else ""
                    inside = [one for one in files if one.startswith(folder)]
                    if inside:
                        return self._json(_entries(files, [*inside, *_folders(inside, folder)]))
            elif found := re.fullmatch(rf"/datasets/{name}/resolve/([^/]+)/(.+)", path):
                files = known.get(found[1], {})
                if found[2] in files:
                    return self._file(files[found[2]], commit_of(files))
            self._missing()

        def _path(self) -> str:
            return urllib.parse.unquote(self.path.partition("?")[0])

        def _missing(self) -> None:
            kind = "RevisionNotFound" if "revision" in self.path else "EntryNotFound"
            self._send(404, b"", {"X-Error-Code": kind if name in self._path() else "RepoNotFound"})

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
