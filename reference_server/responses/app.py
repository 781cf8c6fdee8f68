"""The parts of the server of responses."""

from dataclasses import dataclass

from ssegauge.reference_server.generation import app
from ssegauge.reference_server.generation.app import make_app
from ssegauge.reference_server.generation.form import Form
from ssegauge.reference_server.responses.form import Responses

__all__ = ["Parts", "make_app"]


@dataclass(slots=True)
class Parts(app.Parts):
    """The classes and further middlewares that make a server of responses."""

    form: type[Form] = Responses
