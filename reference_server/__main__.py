"""`python -m ssegauge.reference_server`: a server from the command line, without the rest of ssegauge."""

import sys
from typing import Annotated

import typer

from ssegauge.reference_server import CannotServe, Profile, faults_of, serve
from ssegauge.reference_server.common import logs


def main(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8205,
    profile: Annotated[Profile, typer.Option(help="What to serve.")] = "task-progress",
    fault: Annotated[list[str] | None, typer.Option(help="Code of the rule to break; --faults lists them.")] = None,
    faults: Annotated[bool, typer.Option("--faults", help="List the faults of the profile, and end.")] = False,
    token: Annotated[str | None, typer.Option(help="Bearer token that the API asks for.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="Origin that may read the API.")] = None,
    heartbeat: Annotated[float, typer.Option(help="Longest silence of a stream, seconds.")] = 15.0,
    pace: Annotated[float | None, typer.Option(help="Seconds between events, where they come by themselves.")] = None,
    first_token: Annotated[float | None, typer.Option(help="Seconds until an answer's first event.")] = None,
    slots: Annotated[int | None, typer.Option(help="How many answers are made at once; others get 429.")] = None,
    http2: Annotated[bool, typer.Option("--http2", help="HTTP/2 over TLS, with a certificate of its own.")] = False,
    log_level: Annotated[logs.Level, typer.Option(help="What is told on stderr, in lines of JSON.")] = "warning",
) -> None:
    """Serve a healthy event stream, or one with deliberate faults."""
    if faults:
        print("\n".join(f"{code}: {text}" for code, text in faults_of(profile).items()))
        return
    options = {"token": token, "allow_origin": allow_origin or (), "heartbeat": heartbeat}
    own = {"pace": pace, "first_token": first_token, "slots": slots, "http2": http2}
    try:
        serve(host, port, profile=profile, faults=fault or (), log_level=log_level, **options, **own)
    except CannotServe as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
