"""A Kafka that asks for TLS, a user and a password; its authority and its certificates are made in its own folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

from adapters.kafka.broker import HOST, KafkaBroker
from tests.kafka_fixtures import JARS

USER, PASSWORD = "relato", 'a password, with; "signs" and = them'
# The one listener that is told to anybody: ours and the partners'. The template's own is for the broker itself.
ASKING = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PARTNERS:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.partners.ssl.keystore.type=PEM
listener.name.partners.ssl.keystore.location={keystore}
super.users=User:ANONYMOUS;User:{user}
"""
PEM, PLAIN_KEY = serialization.Encoding.PEM, serialization.NoEncryption()


class Authority:
    """Signs certificates of servers; `file` is what trusts them."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(f"the authority of {name}")
        self.file = folder / f"{name}.pem"
        basic = x509.BasicConstraints(ca=True, path_length=0)
        made = _certificate(self._name, self._name, self._key.public_key()).add_extension(basic, critical=True)
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def write_server(self, file: Path) -> None:
        """The key and the certificate of a server, known by its number alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        number = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
        made = _certificate(_named("a broker"), self._name, key.public_key()).add_extension(number, critical=False)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, PLAIN_KEY)
        file.write_bytes(private + made.sign(self._key, hashes.SHA256()).public_bytes(PEM))


class SecureKafka(KafkaBroker):
    """Has one user, who may do anything."""

    def __init__(self, folder: Path) -> None:
        self.authority, keystore = Authority(folder), folder / "broker.pem"
        self.authority.write_server(keystore)
        template = folder / "template.properties"
        given = ASKING.format(keystore=keystore, user=USER)
        replaced = {line.partition("=")[0] for line in given.splitlines() if line}
        kept = (JARS.parent / "server.properties").read_text().splitlines()
        template.write_text("\n".join(line for line in kept if line.partition("=")[0] not in replaced) + given)
        super().__init__(folder / "kafka", JARS, template=template)

    def make_user(self) -> None:
        given = UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD, iterations=4096)
        with KafkaAdminClient(bootstrap_servers=self.bootstrap) as admin:
            admin.alter_user_scram_credentials([given])

    @property
    def settings(self) -> Mapping[str, str]:
        """As an operator gives them in the environment."""
        return {
            "RELATO_KAFKA": self.partners_bootstrap,
            "RELATO_KAFKA_PROTOCOL": "SASL_SSL",
            "RELATO_KAFKA_USER": USER,
            "RELATO_KAFKA_PASSWORD": PASSWORD,
            "RELATO_KAFKA_CA_FILE": str(self.authority.file),
        }


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
