"""The command ``medlabel``: its arguments, its exit status, and what it says when it fails.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from MedLabelApp.command import (
    bench_command,
    curation_commands,
    demo_command,
    export_command,
    history_commands,
    interpolate_command,
    label_commands,
    project_commands,
    serve_commands,
    store_commands,
)
from MedLabelApp.command.output import Output
from MedLabelLib.model.errors import MedLabelError

COMMANDS = (
    demo_command,
    project_commands,
    label_commands,
    export_command,
    serve_commands,
    store_commands,
    history_commands,
    curation_commands,
    interpolate_command,
    bench_command,
)
INTERRUPTED = 130


class CommandParser(argparse.ArgumentParser):
    """The parser of one command; each takes ``--json``."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.add_argument(
            "--json",
            action="store_true",
            default=argparse.SUPPRESS,
            help="print one JSON document instead of lines",
        )


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medlabel",
        description="Label volumetric medical scans.",
        epilog="Exit status: 0 done; 1 it could not be done, one line says why; 2 wrong usage.",
    )
    parser.add_argument("--version", action="version", version=f"medlabel {_version()}")
    subparsers = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=CommandParser
    )
    for module in COMMANDS:
        module.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Wrong usage raises SystemExit(2), as argparse does."""
    args = make_parser().parse_args(argv)
    out = Output(getattr(args, "json", False))
    try:
        document = args.run(args, out)
    except MedLabelError as error:
        out.error(str(error), getattr(error, "document", {}))
        return 1
    except BrokenPipeError:
        # whoever reads has left, as `head` does; nothing more can be said there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        out.error(f"{place}{error.strerror or error}", {})
        return 1
    except KeyboardInterrupt:
        out.error("stopped", {})
        return INTERRUPTED
    if document is not None:
        out.document(document)
    return 0


def _version() -> str:
    try:
        return version("medlabel")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
