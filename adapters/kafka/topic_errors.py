"""What can go wrong between us and a Kafka topic, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import AuthorizationError, BrokerResponseError, KafkaError, SaslAuthenticationFailedError

from domain.errors import RelatoError, UnavailableError


class TopicError(RelatoError):
    """The topic cannot be used."""


class UnknownTopicError(TopicError):
    """Kafka has no such topic; create the topics with `relato doctor`, or see whether this is the right cluster."""


class WrongPartitionsError(TopicError):
    """The topic has another number of partitions than it must have; delete it and `relato republish` it."""


class NotAuthorisedError(TopicError):
    """Kafka does not let this user do it; grant the user the operation on the topic."""


class WrongCredentialsError(NotAuthorisedError):
    """Kafka refuses the user, the password or how they are sent; check RELATO_KAFKA_USER, _PASSWORD and _MECHANISM."""


class CertificateError(RelatoError):
    """Kafka's certificate is not to be trusted."""


class UntrustedServerError(CertificateError):
    """Nobody whom we trust vouches for Kafka's certificate; put its authority's into RELATO_KAFKA_CA_FILE."""


class OtherHostError(CertificateError):
    """Kafka's certificate is for another host; write its servers in RELATO_KAFKA as the certificate names them."""


class TopicRefusedError(TopicError):
    """Kafka refused to make or change the topic."""


class NoAuthoriserError(TopicError):
    """This Kafka lets everybody do everything, so nothing is given to partners; set its authorizer.class.name."""


class SlowChecksumError(RelatoError):
    """The package crc32c is missing, without which Kafka is five times slower: `pip install 'kafka-python[crc32c]'`."""


class KafkaAwayError(UnavailableError):
    """Kafka does not answer; start it, or check --kafka."""


class WrongProtocolError(KafkaAwayError):
    """Kafka hangs up when it is spoken to; check RELATO_KAFKA_PROTOCOL, and the port in RELATO_KAFKA."""


class SendFailedError(UnavailableError):
    """Kafka did not acknowledge a record; the topic is read back before anything else is sent."""


class TopicReplacedError(UnavailableError):
    """The topic lost records that were acknowledged, or was made anew; it is read back and filled again."""


@contextmanager
def kafka_errors(topic: str, deed: str) -> Iterator[None]:
    """Kafka's errors become ours; `deed` is the operation that an authorisation would have to allow."""
    try:
        yield
    except (AuthorizationError, SaslAuthenticationFailedError) as error:
        raise NotAuthorisedError(topic=topic, operation=deed) from error
    except (KafkaError, OSError) as error:
        raise KafkaAwayError(topic=topic, reason=tell(error)) from error


def tell(error: BaseException) -> str:
    """The error in one line."""
    if isinstance(error, BrokerResponseError) and error.message:
        return str(error.message)
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
