"""What is sent to a partner's webhook, in the form of Standard Webhooks, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.documents.contents import Contents, Schema
from adapters.documents.parts import MEDIA_TYPE, Part, message, named, over_http, ref
from domain.endpoint.facts import Signing
from streams.webhooks.messages import PING, SCHEMES
from streams.webhooks.schedule import ATTEMPT_S, AWAY, GONE, PAUSES_S, TOO_MANY

TEXT: Schema = {"type": "string"}
SCHEME = "|".join(SCHEMES.values())
SIGNED = (
    f"Of Standard Webhooks, over `<webhook-id>.<webhook-timestamp>.<body>`: `{SCHEMES[Signing.HMAC]},` and an"
    f" HMAC-SHA256 under the secret `whsec_…`, or `{SCHEMES[Signing.ED25519]},` and an ed25519 signature to verify with"
    " the public key `whpk_…`, in base64. For a while after a change of secret there are two, with a space between."
)
HEADERS: Mapping[str, Schema] = {
    "webhook-id": TEXT | {"description": "The same whenever an entry is sent again."},
    "webhook-timestamp": TEXT | {"pattern": "^[0-9]+$", "description": "Of this attempt, in seconds since 1970."},
    "webhook-signature": TEXT
    | {"pattern": f"^({SCHEME}),[A-Za-z0-9+/]+=*( ({SCHEME}),[A-Za-z0-9+/]+=*)*$", "description": SIGNED},
}


def _lasting(seconds: int) -> str:
    units = ((3_600, "h"), (60, "min"), (1, "s"))
    return next(f"{seconds // size} {unit}" for size, unit in units if seconds >= size)


AGAIN = f"It comes again, under the same `webhook-id`: after {', '.join(map(_lasting, PAUSES_S))}."
ANSWERS: Mapping[str, str] = {
    "2XX": f"You have it safely; the next one comes. Answer within {ATTEMPT_S:g} seconds.",
    str(GONE): "You want no more: the endpoint is disabled, until we enable it.",
    **dict.fromkeys(
        (str(TOO_MANY), str(AWAY)),
        "You ask for a pause by `Retry-After`; without it, it comes again as after any other answer.",
    ),
    "default": f"{AGAIN} Then the endpoint is disabled. A redirect is not followed.",
}
DESCRIPTION = (
    "One event at a time, in the feed's order, to the URL of your endpoint, once one is added. Keep the last `feedseq`"
    f" with what you made of the events: what has a number that you have is a repeat. `{PING}` is no event of the feed;"
    " answer it and forget it."
)
ENDPOINT: Schema = {
    "host": "{endpoint}",
    "protocol": "https",
    "description": "Yours, as it was added.",
    "variables": {"endpoint": {"description": "The host of your endpoint's URL."}},
}
RETRY_AFTER: Schema = {"Retry-After": {"schema": TEXT, "description": "Seconds, or a date."}}


def pushed(contents: Contents) -> Part:
    messages = {
        f"webhook.{type_}": _signed(type_, contents.told.examples.get(type_)) for type_ in contents.told.schemas
    }
    messages |= {f"webhook.{PING}": _signed(PING, None)}
    headers = {"type": "object", "required": [*HEADERS], "properties": {**HEADERS}}
    told = [f"{status}: {meaning}" for status, meaning in ANSWERS.items()]
    channel = {
        "address": None,
        "description": DESCRIPTION,
        "servers": [ref("servers", "endpoint")],
        "messages": named(messages),
    }
    push = {
        "action": "send",
        "channel": ref("channels", "webhook"),
        "description": "Your answer says what becomes of it.\n\n" + "\n".join(f"* {answer}" for answer in told),
        "bindings": over_http("POST"),
    }
    return Part(
        servers={"endpoint": ENDPOINT},
        channels={"webhook": channel},
        operations={"push": push},
        messages=messages,
        schemas={PING: contents.ping, "WebhookHeaders": headers},
    )


def webhook(contents: Contents) -> Schema:
    """For OpenAPI."""
    examples = {type_: {"value": event} for type_, event in contents.told.examples.items()}
    schema = {"oneOf": [ref("components/schemas", "Event"), ref("components/schemas", PING)]}
    return {
        "operationId": "receiveEvent",
        "summary": "An event, sent to your endpoint",
        "description": DESCRIPTION,
        "security": [{"signature": []}],
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": part} for name, part in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}},
        "responses": {status: _answer(status, meaning) for status, meaning in ANSWERS.items()},
    }


SIGNATURE: Schema = {"type": "apiKey", "in": "header", "name": "webhook-signature", "description": SIGNED}


def _answer(status: str, meaning: str) -> Schema:
    headers = {"headers": RETRY_AFTER} if status in (str(TOO_MANY), str(AWAY)) else {}
    return {"description": meaning, **headers}


def _signed(type_: str, example: Mapping[str, Any] | None) -> Schema:
    return message(type_, example, headers=ref("components/schemas", "WebhookHeaders"))
