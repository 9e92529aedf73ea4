"""How JSON Schemas are made of what is stored, sent and taken: personal values sealed, what is absent left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from domain.personal import TOKEN_PATTERN

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SEALED = "A personal value, sealed under its person's key; it opens only for a role that is entitled to it."


class AsGiven(GenerateJsonSchema):
    """For who writes: a field without a value is left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 pydantic's own signature
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])  # a field without a value is left out, never null

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        return {name: value for name, value in described.items() if (name, value) != ("default", None)}


class AsSent(AsGiven):
    """Closed for who writes, open for who reads: a reader ignores the fields that a newer release added."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        described.pop("additionalProperties", None)
        return described

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        described = super().str_schema(schema)
        return described | {"description": SEALED} if described.get("pattern") == TOKEN_PATTERN else described


def inlined(schema: Any, definitions: Mapping[str, Any] | None = None) -> Any:
    """Without references, so that moving a definition is no change."""
    if isinstance(schema, list):
        return [inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = schema.get("$defs", {}) if definitions is None else definitions
    rest = {name: inlined(part, named) for name, part in schema.items() if name not in ("$ref", "$defs")}
    if "$ref" in schema:
        rest = {**inlined(named[schema["$ref"].rpartition("/")[2]], named), **rest}
    return rest
