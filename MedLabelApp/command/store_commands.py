"""``medlabel store``, ``push``, ``pull`` and ``status``: the stores of labels, and what goes to and fro."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelApp.command.failure import PartlyDoneError
from MedLabelApp.command.output import Output

if TYPE_CHECKING:
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.volume import Volume
    from MedLabelSyncLib.local import LocalState
    from MedLabelSyncLib.others import Taken
    from MedLabelSyncLib.stores.configured import ConfiguredStore
    from MedLabelSyncLib.stores.store import Progress, Store


def register(subparsers) -> None:
    _register_store(subparsers)
    for name, text, run in (
        ("push", "send labels to a store", run_push),
        ("pull", "bring others' labels from a store", run_pull),
        ("status", "how labels stand to those in a store", run_status),
    ):
        command = subparsers.add_parser(name, help=text)
        command.add_argument("project", metavar="PROJECT", type=Path)
        command.add_argument("--store", metavar="NAME", help="needed where there are several")
        command.add_argument("--volume", metavar="VOLUME", action="append", default=[])
        if name != "status":
            command.add_argument(
                "--queued", action="store_true", help="what could not be done before, as soon as it may be"
            )
        if name == "push":
            command.add_argument(
                "--scans", action="store_true", help="the scans too, where the store lacks them"
            )
            command.add_argument(
                "--yes", action="store_true", help="do not ask before data leaves the machine"
            )
        if name == "pull":
            command.add_argument(
                "--others", action="store_true", help="also the SEG and RTSTRUCT of other programs there"
            )
            command.add_argument(
                "--prefer",
                choices=("mine", "theirs", "base", "both"),
                help="what to take where both changed the same (default: leave such volumes as they are)",
            )
        command.set_defaults(run=run)


def _register_store(subparsers) -> None:
    store = subparsers.add_parser("store", help="the stores that labels are pushed to")
    verbs = store.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="add a store to your list")
    add.add_argument("name", metavar="NAME")
    add.add_argument("address", metavar="ADDRESS", help="a path, dicomweb+https://… or supervisely+https://…")
    add.add_argument("--user", metavar="USER", default="", help="who logs in (with oidc: the client's id)")
    add.add_argument("--login", choices=("none", "basic", "bearer", "oidc", "token"))
    add.add_argument("--token-address", metavar="URL", default="", help="where oidc tokens come from")
    add.add_argument(
        "--ca", metavar="FILE", default="", help="the authority that signed the server's certificate"
    )
    add.add_argument("--certificate", metavar="FILE", default="", help="this client's certificate")
    add.add_argument("--key", metavar="FILE", default="", help="its key, where it is in a file of its own")
    add.add_argument(
        "--keep-secret", action="store_true", help="ask for the secret and keep it in the keyring"
    )
    add.set_defaults(run=run_store_add)
    for name, text, run in (
        ("remove", "take a store off your list; what it holds stays", run_store_remove),
        ("list", "your stores", run_store_list),
        ("test", "whether stores can be reached and used", run_store_test),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("name", metavar="NAME", nargs=None if name == "remove" else "?")
        verb.set_defaults(run=run)


def run_store_add(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelSyncLib.stores.address import FOLDER, SUPERVISELY, is_unprotected, parse_address
    from MedLabelSyncLib.stores.configured import ConfiguredStore, StoreList
    from MedLabelSyncLib.stores.folder import FolderStore
    from MedLabelSyncLib.stores.secret import Secret, keep_secret

    address = parse_address(args.address)
    login = args.login or ("token" if address.kind == SUPERVISELY else "basic" if args.user else "none")
    files = [str(Path(name).absolute()) if name else "" for name in (args.ca, args.certificate, args.key)]
    store = ConfiguredStore(args.name, address, args.user, login, args.token_address, *files)
    StoreList().add(store)
    if address.kind == FOLDER:
        try:
            FolderStore(Path(address.place)).create()
        except BaseException:
            StoreList().remove(args.name)
            raise
    if is_unprotected(address):
        out.warn(f"{args.name}: by http labels and secret can be read on the way; use https")
    if args.keep_secret:
        keep_secret(args.name, Secret(getpass.getpass(f"Secret of the store {args.name}: ")))
    out.line(f"{args.name}: {address}")
    return _store_document(store)


def run_store_remove(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelSyncLib.stores.configured import StoreList
    from MedLabelSyncLib.stores.secret import forget_secret

    StoreList().remove(args.name)
    forget_secret(args.name)
    out.line(f"{args.name}: taken off the list")
    return {"name": args.name}


def run_store_list(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    stores = _chosen(args.name)
    if stores:
        out.table([("name", "address", "login"), *((s.name, str(s.address), s.login) for s in stores)])
    else:
        out.line("there is no store yet; medlabel store add NAME ADDRESS adds one")
    return {"stores": [_store_document(store) for store in stores]}


def run_store_test(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.model.errors import MedLabelError
    from MedLabelSyncLib.stores.opening import open_store

    rows = []
    for store in _chosen(args.name):
        try:
            said, works = open_store(store, _ask()).test(), True
        except MedLabelError as error:
            said, works = str(error), False
        rows.append({"name": store.name, "works": works, "said": said})
        out.line(f"{store.name}: {said}")
    document = {"stores": rows}
    failed = [row["name"] for row in rows if not row["works"]]
    if failed:
        raise PartlyDoneError(f"{', '.join(failed)} cannot be used", document)
    return document


def run_status(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelSyncLib.comparing import ONLY_THERE, status
    from MedLabelSyncLib.local import LocalState

    project, volumes, configured, store = _opened(args, out)
    with LocalState(project) as state:
        lines = status(project, state, store, volumes, with_others=not args.volume)
    here = [ln for ln in lines if ln.state != ONLY_THERE]
    if here:
        out.table([("volume", "status", ""), *((ln.label, ln.state, ln.note) for ln in here)])
    if len(lines) > len(here):
        out.line(f"{len(lines) - len(here)} more scans are in {configured.name} only")
    return {
        "store": configured.name,
        "volumes": [
            {"label": ln.label, "status": ln.state, "scan": ln.scan_id, "note": ln.note} for ln in lines
        ],
    }


def run_push(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.author import author
    from MedLabelSyncLib.local import LocalState
    from MedLabelSyncLib.pushing import FAILED, push

    if args.queued:
        return _run_queued(args, out)
    project, volumes, configured, store = _opened(args, out)
    with LocalState(project) as state, _queued_when_offline("push", project, volumes, configured, out) as put:
        results = push(
            project, state, store, volumes, author(), "command", _progress(out),
            with_scans=args.scans, agrees=lambda question: args.yes or _agrees(question),
        )  # fmt: skip
        put(results)
    for result in results:
        size = f", {result.bytes} bytes" if result.bytes else ""
        out.line(f"{result.label}: {result.outcome}{size}" + (f" ({result.note})" if result.note else ""))
    document = {
        "store": configured.name,
        "volumes": [
            {
                "volume": r.label,
                "outcome": r.outcome,
                "revision": r.revision,
                "bytes": r.bytes,
                "note": r.note,
            }
            for r in results
        ],
    }
    return _whole_or_raise([r.label for r in results if r.outcome == FAILED], "pushed", document)


def run_pull(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.author import author
    from MedLabelSyncLib.local import LocalState
    from MedLabelSyncLib.pulling import CONFLICTS, FAILED, leave_open, pull

    if args.queued:
        return _run_queued(args, out)
    project, volumes, configured, store = _opened(args, out)
    resolve = leave_open if args.prefer is None else lambda merge: merge.resolve(args.prefer)
    with LocalState(project) as state, _queued_when_offline("pull", project, volumes, configured, out) as put:
        results = pull(
            project, state, store, volumes, author(), "command", _progress(out),
            with_new=not args.volume, resolve=resolve,
        )  # fmt: skip
        put(results)
        others = _pull_others(args, out, project, state, volumes, store)
    for result in results:
        out.line(f"{result.label}: {result.outcome}" + (f" ({result.note})" if result.note else ""))
        for sentence in result.conflicts:
            out.line(f"    {sentence}")
    document = {
        "store": configured.name,
        "volumes": [
            {"label": r.label, "outcome": r.outcome, "note": r.note, "conflicts": list(r.conflicts)}
            for r in results
        ],
        "others": [{"label": t.label, "uid": t.uid, "objects": t.objects, "note": t.note} for t in others],
    }
    left = [r.label for r in results if r.outcome in (FAILED, CONFLICTS)]
    left += [t.label for t in others if t.error is not None]
    return _whole_or_raise(left, "pulled", document)


def _pull_others(
    args: argparse.Namespace,
    out: Output,
    project: Project,
    state: LocalState,
    volumes: list[Volume],
    store: Store,
) -> list[Taken]:
    from MedLabelLib.model.errors import MedLabelError
    from MedLabelLib.storage.author import author
    from MedLabelSyncLib.others import pull_others
    from MedLabelSyncLib.stores.dicomweb import DicomWebStore

    if not args.others:
        return []
    if not isinstance(store, DicomWebStore):
        raise MedLabelError("only a DICOMweb store has labels of other programs")
    taken = pull_others(project, state, store, volumes, author(), "command", _progress(out))
    for item in taken:
        note = f" ({item.note})" if item.note else ""
        out.line(f"{item.label}: {item.objects} objects of another program{note}")
    return taken


@contextmanager
def _queued_when_offline(
    verb: str, project: Project, volumes: list[Volume], configured: ConfiguredStore, out: Output
) -> Iterator[Callable[[Iterable[Any]], None]]:
    """What fails for a time alone is put into the queue; the block hands over the results it got."""
    from MedLabelSyncLib.errors import StoreError
    from MedLabelSyncLib.queue import Queue
    from MedLabelSyncLib.working_off import should_wait

    def put(labels: list[str]) -> None:
        with Queue(project) as queue:
            for label in labels:
                queue.ask(verb, configured.name, label)
        if labels:
            out.warn(f"{len(labels)} volumes wait; medlabel {verb} {project.path} --queued tries again")

    try:
        yield lambda results: put([result.label for result in results if should_wait(result.error)])
    except StoreError as error:
        if should_wait(error):
            put([volume.label for volume in volumes])
        raise


def _run_queued(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    """Work the queue off until nothing in it goes by itself."""
    import time

    from MedLabelApp.command.opened_project import open_project
    from MedLabelLib.storage.author import author
    from MedLabelSyncLib.queue import Queue
    from MedLabelSyncLib.stores.configured import StoreList
    from MedLabelSyncLib.stores.opening import open_store
    from MedLabelSyncLib.working_off import worker

    project = open_project(args.project, out)
    do = worker(
        project, lambda name: open_store(StoreList().find(name), _ask()), author(), "command", _progress(out)
    )
    with Queue(project) as queue:
        while (pause := queue.pause()) is not None:
            if pause:
                out.warn(f"trying again in {pause:.0f} s; Ctrl-C stops, and keeps what waits")
                time.sleep(pause)
            queue.work(do)
        left = queue.waiting()
    for item in left:
        out.line(f"{item.volume}: {item.verb} to {item.store} failed: {item.error}")
    document = {"waiting": [vars(item) for item in left]}
    return _whole_or_raise([item.volume for item in left], "done", document)


def _whole_or_raise(left: list[str], done: str, document: dict[str, Any]) -> dict[str, Any]:
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        raise PartlyDoneError(f"not {done}: {', '.join(left[:3])}{more}", document)
    return document


def _opened(args: argparse.Namespace, out: Output) -> tuple[Project, list[Volume], ConfiguredStore, Store]:
    from MedLabelApp.command.opened_project import open_project
    from MedLabelSyncLib.stores.configured import StoreList
    from MedLabelSyncLib.stores.opening import open_store

    project = open_project(args.project, out)
    volumes = [project.find_volume(text) for text in args.volume] or list(project.volumes())
    configured = StoreList().find(args.store)
    return project, volumes, configured, open_store(configured, _ask())


def _progress(out: Output) -> Progress:
    from MedLabelApp.command.output import megabytes
    from MedLabelSyncLib.stores.store import Progress

    return Progress(lambda what, count: out.progress(f"{what}, {megabytes(count)} so far", 0, 0))


def _chosen(name: str | None) -> list[ConfiguredStore]:
    from MedLabelSyncLib.stores.configured import StoreList

    return StoreList().all() if name is None else [StoreList().find(name)]


def _ask():
    """How a secret is asked for: only where someone can answer."""
    return getpass.getpass if sys.stdin.isatty() else None


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _store_document(store: ConfiguredStore) -> dict[str, Any]:
    return {"name": store.name, "address": str(store.address), "user": store.user, "login": store.login}
