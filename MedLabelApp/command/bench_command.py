"""``medlabel bench``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib import import_module
from typing import Any

from MedLabelApp.command.output import Output

# each is a module of MedLabelApp.bench
NAMES = ("journal", "browse", "browser", "interpolation", "interpolation_live", "desktop", "formats", "sync")


def register(subparsers) -> None:
    bench = subparsers.add_parser("bench", help="the benchmarks, beside the peers where they are installed")
    bench.add_argument("names", metavar="NAME", nargs="*", help=f"{', '.join(NAMES)} (default: all)")
    bench.add_argument("--full", action="store_true", help="whole benchmarks where the default is a part")
    bench.set_defaults(run=run_bench)


def run_bench(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.model.errors import NotFoundError

    for name in args.names:
        if name not in NAMES:
            raise NotFoundError(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
    results = []
    for name in args.names or NAMES:
        module = import_module(f"MedLabelApp.bench.{name}")
        out.line(f"{name}: {module.TITLE}")
        rows = []
        for row in module.run(args.full):
            out.line(f"  {row.line()}")
            rows.append({**asdict(row), "holds": row.holds})
        results.append({"name": name, "title": module.TITLE, "rows": rows})
    return {"benchmarks": results}
