"""The issuer's own domain, on loopback: https, as verifiers ask for its keys and revocations, with a certificate of its own."""

import datetime
import http.server
import ssl
import threading
from contextlib import contextmanager

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Domain:
    """A domain that leads to an API of the emulator, once it is known which."""

    def __init__(self, port, certificate):
        self.name = f"localhost:{port}"
        self.certificate = certificate
        self.api = None


@contextmanager
def own_domain(directory):
    """Answers for the domain, until the end."""
    certificate = make_certificate(directory / "localhost.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.domain = Domain(server.server_port, certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.domain
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = requests.get(self.server.domain.api + self.path)
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_):
        """Says nothing."""


def make_certificate(path):
    """A certificate for localhost that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate + private)
    return path
