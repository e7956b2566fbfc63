"""The command line: one module per verb, imported when the verb is used.

A verb is a line in `VERBS` and a module of its name in this package. The module has either a
function of that name, which becomes a Typer command, or a Typer application `app` with verbs of
its own. A `RigError` that reaches the top is printed as a sentence.
"""

from __future__ import annotations

import importlib
import signal
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from signseg_rig import __version__
from signseg_rig.cli.console import FAILED_EXIT_CODE, never_fail_to_print, print_error
from signseg_rig.errors import ConfigError, RigError

VERBS = {
    "check": "List every problem of an experiment file, with its line.",
    "run": "Run an experiment, and write its record and report.",
    "resume": "Go on with a run that was stopped or killed.",
    "display": "Open the screen, connect to the loop and show what it asks for.",
    "fit": "Fit and test models of recorded neurons.",
    "predict": "Predict the rates of modelled neurons for images.",
    "ablate": "Remove weights of neuron models by degrees, and predict.",
    "choose": "Test on recordings whether images that ablated models choose drive neurons less.",
    "visualize": "Evolve preferred images of units under ablations: a sweep.",
    "dale": "Survey how far the weights of networks are of one sign.",
    "note": "Write a note into the record of a run, also while it goes on.",
    "units": "List what the recording system of an experiment offers.",
    "report": "Write the report of a run or a sweep.",
    "bench": "Measure what this machine can do.",
    "weights": "List, fetch or add the weight files of generators and networks.",
    "plugins": "List the installed plugins, and why any of them does not work.",
    "keys": "Make the keys by which loop and display know each other.",
}


class VerbGroup(TyperGroup):
    """Knows of every verb what `VERBS` says, and imports only the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        stand_ins = {name: TyperCommand(name, help=text) for name, text in VERBS.items()}
        super().__init__(**{**attributes, "commands": stand_ins})

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> tuple[Any, Any, list[str]]:  # type: ignore[override]
        """Import the verb that is called."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, None if stand_in is None else load_verb(str(stand_in.name)), rest

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Print the errors that this toolkit foresees without a traceback."""
        try:
            return super().invoke(ctx)
        except RigError as error:
            if ctx.params["debug"]:
                raise
            print_error(error)
            raise typer.Exit(FAILED_EXIT_CODE) from None
        except OSError as error:
            # What the system says of a path, such as one too long or behind a locked folder.
            if ctx.params["debug"] or error.filename is None:
                raise
            print_error(
                ConfigError(
                    f"{error.filename}: {error.strerror}. Name another place, or make this one "
                    "accessible."
                )
            )
            raise typer.Exit(FAILED_EXIT_CODE) from None


def load_verb(name: str) -> Any:
    """Import a verb and give its command.

    Parameters
    ----------
    name : str
        One of `VERBS`.
    """
    module = importlib.import_module(f"signseg_rig.cli.{name}")
    verb = getattr(module, "app", None)
    if verb is None:
        verb = typer.Typer(add_completion=False)
        verb.command(name)(getattr(module, name))
    return typer.main.get_command(verb)


app = typer.Typer(cls=VerbGroup, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"signseg-rig {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="SIGNSEG_DEBUG", help="Show the traceback of an error."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version."),
    ] = False,
) -> None:
    """Evolve images for neurons in a closed loop, and ablate models of them by sign of weight."""


def main() -> None:
    """Run the command line."""
    never_fail_to_print()
    # What would end at once leaves its workers behind; as after Ctrl-C, they are ended first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
