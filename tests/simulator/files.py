"""A server of files on loopback, for downloads and uploads of stations."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Files:
    """Files to fetch, files that were brought, and the mood of the server."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.brought: list[tuple[str, str, bytes]] = []  # method, path, content
        self.asked: list[str] = []
        self.refused_methods: set[str] = set()
        self.answer = 201
        self.url = ""


@contextmanager
def file_server() -> Iterator[Files]:
    """A server that runs."""
    files = Files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            files.asked.append(self.path)
            content = files.content.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            refused = self.command in files.refused_methods
            if not refused:
                files.brought.append((self.command, self.path, content))
            self.send_response(405 if refused else files.answer)
            self.end_headers()

        do_POST = do_PUT  # noqa: N815 - the base class names it

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    files.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
