"""A private certificate authority, and server contexts whose certificates it signed."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class PrivateCA:
    """One authority; `ca_file` is what a gateway is told to trust."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self.ca_file = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def server(self, *names: str, alpn: tuple[str, ...] = ("h2", "http/1.1")) -> ssl.SSLContext:
        """A server context with a certificate for `names`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        context.set_alpn_protocols(list(alpn))
        return context

    def files(self, directory: Path, *names: str) -> tuple[Path, Path]:
        """Certificate chain and key for `names` as files: what a listener is given."""
        cert = self._ca.issue_cert(*names)
        chain, key = directory / "listener.pem", directory / "listener.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in cert.cert_chain_pems))
        cert.private_key_pem.write_to_path(str(key))
        return chain, key
