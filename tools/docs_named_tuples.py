"""An extension of Griffe, which reads docstrings: the fields of a named tuple are its parameters.

Griffe makes the constructor of a dataclass from its fields, but knows none of a named tuple, and
would warn that the parameters of the docstring do not exist.
"""

from __future__ import annotations

from typing import Any

import griffe


class NamedTuples(griffe.Extension):
    """Gives every named tuple the constructor that it has when it runs."""

    def on_class(self, *, cls: griffe.Class, **_options: Any) -> None:
        """Add the constructor; called by Griffe for every class, once its members are known."""
        if "__init__" in cls.members or not any(str(base) == "NamedTuple" for base in cls.bases):
            return
        parameters = [
            griffe.Parameter(
                field.name,
                annotation=field.annotation,
                kind=griffe.ParameterKind.positional_or_keyword,
                default=field.value,
            )
            for field in cls.attributes.values()
            if field.annotation is not None
        ]
        constructor = griffe.Function("__init__", parameters=griffe.Parameters(*parameters))
        cls.set_member("__init__", constructor)
