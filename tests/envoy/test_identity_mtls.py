"""Who asks, by the client's certificate, which Envoy verifies."""

from __future__ import annotations

import datetime
import ssl

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.access import CLIENTS, ask, digest, refused
from support.sim.tls import PrivateCA

KEY = "tg-beside-2e7d2c03a9507ae2"
NS = "spiffe://acme.example/ns/{}/sa/*"
SA = "spiffe://acme.example/ns/*/sa/{}"


class ClientCA:
    """Signs certificates of clients with names of any kind."""

    def __init__(self, directory) -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Clients")])
        basics = x509.BasicConstraints(ca=True, path_length=None)
        cert = self._sign(self._name, self._key.public_key(), [(basics, True)])
        self.ca_file = directory / "clients.pem"
        self.ca_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, extensions, lasts=1):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(now + datetime.timedelta(days=lasts))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())

    def client(self, name, *sans, lasts=1):
        """Certificate and key of a client, as one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        extensions = [(x509.SubjectAlternativeName(list(sans)), False)] if sans else []
        cert = self._sign(subject, key.public_key(), extensions, lasts)
        path = self.directory / f"{name}.pem"
        kind = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        path.write_bytes(cert.public_bytes(serialization.Encoding.PEM) + secret)
        return path


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return ClientCA(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    directory = tmp_path_factory.mktemp("listener")
    ca = PrivateCA(directory)
    cert, key = ca.files(directory, "gateway.test")
    return ca.ca_file, {"tls": {"cert_file": str(cert), "key_file": str(key)}}


@pytest.fixture(scope="module")
def connect(listener):
    """Clients of a gateway, with a certificate or without; all are closed at the end."""
    opened = []

    def client(gateway, certificate=None):
        trust = ssl.create_default_context(cafile=str(listener[0]))
        trust.check_hostname = False
        if certificate:
            trust.load_cert_chain(str(certificate))
        opened.append(httpx.Client(base_url=gateway.url, verify=trust, timeout=30))
        return opened[-1]

    yield client
    for http in opened:
        http.close()


@pytest.fixture(scope="module")
def gateway(make_gateway, clients, listener):
    return make_gateway(
        server=listener[1],
        keys=[{"id": "beside", "sha256": digest(KEY), "tenant": "of-the-key"}],
        identity={
            "mtls": {"ca_file": str(clients.ca_file), "tenant": f"uri_san {NS}", "user": f"uri_san {SA}"},
            "models": ["gpt"],
        },
    )


def uri(text):
    return x509.UniformResourceIdentifier(text)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_needs_no_key_and_says_who_asks(world, gateway, clients, connect, client):
    http = connect(gateway, clients.client("web", uri("spiffe://acme.example/ns/search/sa/web")))
    answer = ask(gateway, client, "gpt", http=http, x_tenant="evil", x_forwarded_client_cert="URI=spiffe://evil")
    assert answer.status_code == 200, answer.text
    line = gateway.audited(answer)
    assert (line["tenant"], line["user"], line.get("key_id")) == ("search", "web", None)
    refused(client, ask(gateway, client, "claude", http=http), 403)
    # A placeholder that a client library insists on is no key, and does no harm.
    assert ask(gateway, client, "gpt", "sk-placeholder", http=http).status_code == 200
    line = gateway.audited(ask(gateway, client, "claude", KEY, http=http))
    assert (line["key_id"], line["tenant"], line["user"]) == ("beside", "of-the-key", "web")


@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_certificate_a_key_is_needed(world, gateway, connect, client):
    http = connect(gateway)
    refused(client, ask(gateway, client, "gpt", http=http), 401)
    forged = "Hash=1;URI=spiffe://acme.example/ns/search/sa/web"
    refused(client, ask(gateway, client, "gpt", http=http, x_forwarded_client_cert=forged), 401)
    answer = ask(gateway, client, "gpt", KEY, http=http)
    assert answer.status_code == 200 and "user" not in gateway.audited(answer)


@pytest.mark.parametrize(
    "name", ["spiffe://other.example/ns/search/sa/web", "spiffe://acme.example/ns/search/x/sa/web", None]
)
def test_a_certificate_with_another_name_says_nothing(gateway, clients, connect, name):
    sans = [uri(name)] if name else [x509.DNSName("search.clients.example")]
    http = connect(gateway, clients.client("other", *sans))
    answer = ask(gateway, "openai", "gpt", http=http)
    refused("openai", answer, 401)
    assert "tenant" not in gateway.audited(answer)


def test_a_certificate_of_another_authority_or_one_that_is_over_cannot_connect(
    gateway, clients, connect, tmp_path_factory
):
    stranger = ClientCA(tmp_path_factory.mktemp("stranger"))
    san = uri("spiffe://acme.example/ns/search/sa/web")
    for certificate in (stranger.client("web", san), clients.client("late", san, lasts=-1)):
        with pytest.raises(httpx.TransportError):
            ask(gateway, "openai", "gpt", http=connect(gateway, certificate))


def test_names_of_hosts_and_subjects_and_a_certificate_for_all(make_gateway, world, clients, listener, connect):
    mtls = {
        "ca_file": str(clients.ca_file),
        "required": True,
        "tenant": "dns_san {}.clients.example",
        "user": "subject CN={}",
    }
    gateway = make_gateway(server=listener[1], identity={"mtls": mtls})
    http = connect(gateway, clients.client("zoe", x509.DNSName("ads.clients.example")))
    line = gateway.audited(ask(gateway, "openai", "gpt", http=http))
    assert (line["tenant"], line["user"]) == ("ads", "zoe")
    with pytest.raises(httpx.TransportError):
        ask(gateway, "openai", "gpt", http=connect(gateway))
