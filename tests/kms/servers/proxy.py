"""A proxy of the site, on port 3128, that leads every CONNECT to port 443 of this machine."""
import socket
import threading


def pipe(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two went away


def connect(client):
    with client, socket.create_connection(("127.0.0.1", 443)) as server:
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += client.recv(4096) or b"\r\n\r\n"
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pipe, args=(server, client), daemon=True)
        back.start()
        pipe(client, server)
        back.join()


def serve_proxy():
    """Answers from now on."""
    listener = socket.create_server(("127.0.0.1", 3128))

    def run():
        while True:
            threading.Thread(target=connect, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
