"""What the servers share: TLS, plain HTTP, saying that they are ready, ending with whoever started them."""
import json
import os
import signal
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIRECTORY = sys.argv[1]
# So that what a server has started is ended with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
RSA_4096 = os.environ["KMS_HOME"] + "/rsa4096.pem"


def path(name):
    return os.path.join(DIRECTORY, name)


def record(line):
    """Adds a line to the list of requests, which tests read."""
    with open(path("requests"), "a", encoding="utf-8") as requests:
        requests.write(line + "\n")


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("server.pem"), path("server.key"))
    return context


class Handler(BaseHTTPRequestHandler):
    """A request is answered by `answer(body)`, which calls `reply` once."""

    protocol_version = "HTTP/1.1"
    # Head and body go out together.
    wbufsize = -1

    def reply(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that does not trust the certificate goes away; that is its affair."""


def serve(port, handler, encrypted=True):
    """Answers on this port from now on, each connection on a thread of its own."""
    server = Server(("127.0.0.1", port), handler)
    if encrypted:
        server.socket = tls().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def ready(command=None):
    """Says so, carries out the commands that come (one a line, each answered by `done`), and ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        command(line.strip())
        print("done", flush=True)
