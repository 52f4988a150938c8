"""A small hub on this computer, for tests with the real huggingface_hub client.

It answers `HEAD` and `GET /<repository>/resolve/<revision>/<file>` with the headers and errors of
the real one, remembers every request, and fails on demand.
"""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote


class Request(NamedTuple):
    method: str
    path: str
    range: str | None
    user_agent: str


class Refusal(Exception):
    """An answer other than the file: status, X-Error-Code, X-Error-Message, commit."""

    def __init__(self, status, code="", message="", commit=""):
        self.status, self.message = status, message
        headers = {"X-Error-Code": code, "X-Error-Message": message, "X-Repo-Commit": commit}
        self.headers = {name: value for name, value in headers.items() if value}


class Repository:
    """Files by commit, and the commits that branches point at."""

    def __init__(self):
        self.commits, self.branches, self.token, self.gated = {}, {}, None, False


class LoopbackHub:
    """``hub.add("owner/model", {"config.json": b"{}"})``, then ask ``hub.endpoint``."""

    def __init__(self):
        self.repositories, self.requests = {}, []
        self.statuses = []  # statuses to answer the next requests with, first to last
        self.cut_after = None  # bytes of the next body to send before the connection breaks
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def add(self, name, files, branch="main", token=None, gated=False):
        """Commit ``files`` (name → bytes) to a repository and return the commit."""
        repository = self.repositories.setdefault(name, Repository())
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        repository.commits[commit] = files
        repository.branches[branch] = commit
        repository.token, repository.gated = token, gated
        return commit

    def find(self, name, revision, filename, token):
        """The commit and bytes of a file, or the real hub's refusal."""
        repository = self.repositories.get(name)
        if token == "expired":
            raise Refusal(401, message="Invalid credentials in Authorization header")
        if token == "forbidden":
            raise Refusal(403, message="This token may not read")
        if repository is None or (repository.token and token is None):
            raise Refusal(401 if token is None else 404, "RepoNotFound", "Repository not found")
        if repository.gated and token != repository.token:
            raise Refusal(403, "GatedRepo", f"Access to model {name} is restricted")
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if filename not in repository.commits[commit]:
            raise Refusal(404, "EntryNotFound", "Entry not found", commit)
        return commit, repository.commits[commit][filename]

    def stop(self):
        """Go away: from now on connections are refused."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _handler_for(hub):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def answer(self):
            headers = self.headers
            hub.requests.append(
                Request(self.command, self.path, headers.get("Range"), headers["User-Agent"])
            )
            if "/resolve/" not in self.path:  # the client also asks for a list of coding agents
                return self.send_headers(404, {})
            try:
                if hub.statuses and (status := hub.statuses.pop(0)) != 200:
                    raise Refusal(status)
                name, _, rest = unquote(self.path).lstrip("/").partition("/resolve/")
                revision, _, filename = rest.partition("/")
                token = headers.get("Authorization", "").removeprefix("Bearer ") or None
                self.send_file(*hub.find(name, revision, filename, token))
            except Refusal as refusal:
                self.send_headers(refusal.status, refusal.headers)
            return None

        def send_file(self, commit, content):
            start = int(self.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
            size, body = len(content), content[start:]
            self.send_headers(
                206 if start else 200,
                {
                    "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
                    **({"X-Repo-Commit": commit} if commit else {}),
                    "X-Linked-Size": size,
                    "Content-Length": len(body),
                    "Accept-Ranges": "bytes",
                    **({"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}),
                },
            )
            if self.command == "GET":
                self.wfile.write(body[: hub.cut_after])
                hub.cut_after = None

        def send_headers(self, status, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, *arguments):
            """Quiet: the requests are in ``hub.requests``."""

    return Handler
