# SPDX-License-Identifier: Apache-2.0
"""A server over TLS for tests of how a cluster is reached, and a proxy before it.

    https.py FOLDER     FOLDER has ca.crt, server.crt, server.key

Prints "server PORT" and "proxy PORT". Every request is a line in FOLDER/requests: method, path, Authorization. Below
/token a bearer token must stand in FOLDER/valid, else the answer is 401; everything else answers with JSON of what
came: headers (those of one name in a list), the name asked for by SNI, the client certificate's common name. The proxy
knows CONNECT only, and writes a line "HOST:PORT Proxy-Authorization" for each into FOLDER/proxied.
"""
import json
import os
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = sys.argv[1]


def note(name, *words):
    with open(os.path.join(folder, name), "a") as f:
        f.write(" ".join(words) + "\n")


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        authorization = self.headers.get("Authorization") or "-"
        note("requests", self.command, self.path, authorization)
        status = 200
        if self.path.startswith("/token"):
            with open(os.path.join(folder, "valid")) as f:
                status = 200 if authorization in ["Bearer " + line.strip() for line in f] else 401
        headers = {}
        for name, value in self.headers.items():
            headers.setdefault(name, []).append(value.encode("latin-1").decode("utf-8"))
        certificate = self.connection.getpeercert() or {}
        names = [v for part in certificate.get("subject", ()) for k, v in part if k == "commonName"]
        body = json.dumps({"path": self.path, "headers": headers, "sni": getattr(self.connection, "asked", None),
                           "client": names[0] if names else None}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


class Proxy(BaseHTTPRequestHandler):
    def do_CONNECT(self):
        note("proxied", self.path, self.headers.get("Proxy-Authorization") or "-")
        host, port = self.path.rsplit(":", 1)
        far = socket.create_connection((host.strip("[]"), int(port)), 10)
        self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        back = threading.Thread(target=self.carry, args=(far, self.connection), daemon=True)
        back.start()
        self.carry(self.connection, far)
        back.join()

    @staticmethod
    def carry(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def log_message(self, *args):
        pass


def asked(connection, name, context):
    connection.asked = name


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(folder, "server.crt"), os.path.join(folder, "server.key"))
context.load_verify_locations(os.path.join(folder, "ca.crt"))
context.verify_mode = ssl.CERT_OPTIONAL
context.sni_callback = asked
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.socket = context.wrap_socket(server.socket, server_side=True)
proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=proxy.serve_forever, daemon=True).start()
print("server", server.server_port)
print("proxy", proxy.server_port, flush=True)
server.serve_forever()
