"""The parts of the chat server."""

from dataclasses import dataclass

from ssegauge.reference_server.chat.completions import Completions
from ssegauge.reference_server.generation import app
from ssegauge.reference_server.generation.app import make_app
from ssegauge.reference_server.generation.form import Form

__all__ = ["Parts", "make_app"]


@dataclass(slots=True)
class Parts(app.Parts):
    """The classes and further middlewares that make a chat server."""

    form: type[Form] = Completions
