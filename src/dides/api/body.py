"""Request bodies: decoded by dides.protocol.decode, described by Litestar."""

from collections.abc import Generator
from typing import Any, Generic, TypeVar

from litestar.dto import AbstractDTO, DTOConfig, DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from dides.protocol.decode import decode

T = TypeVar("T")


class Strict(AbstractDTO[T], Generic[T]):
    """Makes Litestar decode a body as the wire contract says, whatever content type its sender claims."""

    config = DTOConfig()

    def decode_bytes(self, value: bytes) -> Any:
        """Decode a body; MalformedError or InvalidError when it cannot be."""
        return decode(value, self.model_type)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Prepare nothing: the message types are what is decoded, without transfer models in between."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Describe the body by its message type."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """Define no fields of a transfer model."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Look for no transfer models in fields."""
        return False
