"""A test issuer behind a real port of loopback, for services that are processes of their own."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tokensmith_verifier.testing import TestIssuer


class ServedIssuer(TestIssuer):
    __test__ = False

    def __init__(self, **options):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        super().__init__(url=f"http://127.0.0.1:{self._server.server_port}", **options)
        self._answers = self.transport()
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer = issuer._answers.handler(httpx.Request("GET", issuer.url + self.path, headers=dict(self.headers)))
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_):
                pass

        return Handler
