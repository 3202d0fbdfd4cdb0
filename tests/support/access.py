"""Who asks, as tests say it: digests of keys, tokens of an issuer, and one question in three clients' words."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .gateway import Gateway, chat_body, messages_body

CLIENTS = ("openai", "anthropic", "gemini")
"""the clients that have an envelope of their own for errors and for lists of models"""


def digest(key: str) -> str:
    """SHA-256 of a key, as the configuration has it."""
    return hashlib.sha256(key.encode()).hexdigest()


def ask(
    gateway: Gateway, client: str, model: str, key: str | None = None, http: httpx.Client | None = None, **headers: str
) -> httpx.Response:
    """One question of a client; further headers with underscores for hyphens."""
    http = http or gateway.http
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    if client == "openai":
        own = {"authorization": f"Bearer {key}"} if key else {}
        return http.post("/v1/chat/completions", json=chat_body(model), headers=own | more)
    if client == "anthropic":
        own = {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
        return http.post("/v1/messages", json=messages_body(model), headers=own | more)
    own = {"x-goog-api-key": key} if key else {}
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    return http.post(f"/v1beta/models/{model}:generateContent", json=body, headers=own | more)


def refused(client: str, answer: httpx.Response, status: int) -> str:
    """What a refusal says; its envelope is checked to be the client's."""
    body = answer.json()
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = body["error"]
    if client == "openai":
        assert set(body) == {"error"} and {"message", "type", "param", "code"} <= set(error), body
    elif client == "anthropic":
        kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
        assert body["type"] == "error" and error["type"] == kinds[status], body
    else:
        kinds = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
        assert error["code"] == status and error["status"] == kinds[status], body
    return str(error["message"])


def model_names(gateway: Gateway, client: str, key: str) -> set[str]:
    """The models that a client is shown."""
    if client == "openai":
        answer = gateway.http.get("/v1/models", headers={"authorization": f"Bearer {key}"})
        return {model["id"] for model in answer.json()["data"]}
    if client == "anthropic":
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        answer = gateway.http.get("/v1/models", headers=headers)
        return {model["id"] for model in answer.json()["data"]}
    answer = gateway.http.get("/v1beta/models", headers={"x-goog-api-key": key})
    return {model["name"].removeprefix("models/") for model in answer.json()["models"]}


class Issuer:
    """Issues JSON Web Tokens signed with RS256 (RFC 7519, RFC 7518 §3.3)."""

    def __init__(self, name: str = "https://issuer.test", kid: str = "one") -> None:
        self.name, self.kid = name, kid
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def key_set(self) -> str:
        """The public key, as a JSON Web Key Set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": _text(numbers.n.to_bytes(size, "big")),
            "e": _text(numbers.e.to_bytes(3, "big")),
        }
        return json.dumps({"keys": [key]})

    def token(self, lasts: float = 600, **claims: Any) -> str:
        """A token with these claims, which ends after so many seconds; a claim that is `None` is left out."""
        all_claims = {"iss": self.name, "exp": int(time.time() + lasts), **claims}
        kept = {name: value for name, value in all_claims.items() if value is not None}
        parts = [{"alg": "RS256", "typ": "JWT", "kid": self.kid}, kept]
        signed = ".".join(_text(json.dumps(part).encode()) for part in parts)
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
