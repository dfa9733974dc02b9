"""What handlers are handed besides bodies and query strings."""

from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter

from dides.api.access import Principal
from dides.coordinator.coordinator import Coordinator

Services: TypeAlias = NamedDependency[Coordinator]
"""The coordinator."""
Sender: TypeAlias = NamedDependency[Principal]
"""Who sends the request."""
Name: TypeAlias = FromPath[str]
"""The instance that the path names."""
DeploymentId: TypeAlias = Annotated[int, PathParameter(name="id")]
"""The deployment that the path names."""
