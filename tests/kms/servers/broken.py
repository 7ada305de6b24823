"""Answers, and not as a key manager does: port 4001 resets each connection and port 4002 ends it, both once
they were asked, port 4003 speaks HTTP without TLS and port 4004 SSH, and ports 4502 to 4504 answer everything
with their number less 4000, behind TLS.
"""
import socket
import struct
import threading

from common import Handler, ready, serve


class Busy(Handler):
    def answer(self, _):
        self.reply(self.server.server_address[1] - 4000, b"<html>try again later</html>\n")


def accept(port, end):
    listener = socket.create_server(("127.0.0.1", port))

    def run():
        while True:
            connection, _ = listener.accept()
            try:
                connection.recv(1 << 16)
                end(connection)
            except OSError:
                pass

    threading.Thread(target=run, daemon=True).start()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def says(words):
    def end(connection):
        connection.sendall(words)
        connection.close()

    return end


accept(4001, reset)
accept(4002, socket.socket.close)
accept(4003, says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
accept(4004, says(b"SSH-2.0-OpenSSH_9.9\r\n"))
for port in 4502, 4503, 4504:
    serve(port, Busy)
ready()
