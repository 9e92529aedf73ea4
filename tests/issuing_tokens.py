"""A real OIDC issuer on loopback: discovery, its keys, and the tokens that it signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "relato"


class Issuer:
    """`asked` are the paths that it was asked for; while `is_away` it answers 503."""

    def __init__(self) -> None:
        self.signers: dict[str, tuple[str, Any]] = {}
        self.asked: list[str] = []
        self.is_away = False
        self.url = ""
        self.add("rsa")
        self.add("ec")

    def add(self, kid: str) -> None:
        if kid.startswith("ec"):
            self.signers[kid] = ("ES256", ec.generate_private_key(ec.SECP256R1()))
        else:
            self.signers[kid] = ("RS256", rsa.generate_private_key(65537, 2048))

    def token(self, kid: str = "rsa", *, signer: Any = None, **claims: Any) -> str:
        algorithm, key = signer or self.signers[kid]
        now = time.time()
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "sam", "iat": now, "exp": now + 300}
        content = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(content, key, algorithm, headers={"kid": kid})

    def answer(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        kinds: dict[str, Any] = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm}
        return {
            "keys": [
                {**kinds[algorithm].to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
                for kid, (algorithm, key) in self.signers.items()
            ]
        }


@contextmanager
def issuer() -> Iterator[Issuer]:
    found = Issuer()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = json.dumps(found.answer(self.path)).encode()
            self.send_response(503 if found.is_away else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
