"""Accepts and never answers: on port 443 after the TLS handshake, on port 444 without one. For clients
that want an account of Google's first, there is credentials.json.
"""
import socket
import threading

from common import ready, tls
from google_account import account


def accept(port, context):
    listener = socket.create_server(("127.0.0.1", port))
    kept = []

    def run():
        while True:
            connection, _ = listener.accept()
            kept.append(connection)
            if context:
                threading.Thread(target=shake_hands, args=(connection,), daemon=True).start()

    def shake_hands(connection):
        try:
            kept.append(context.wrap_socket(connection, server_side=True))
        except OSError:
            pass

    threading.Thread(target=run, daemon=True).start()


account("credentials.json", "signer@p.iam.gserviceaccount.com")
context = tls()
context.set_alpn_protocols(["h2", "http/1.1"])
accept(443, context)
accept(444, None)
ready()
