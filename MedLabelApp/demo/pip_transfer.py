"""Run as a program: fetches one file of a package through pip's own settings, resuming a part.

    python pip_transfer.py PACKAGE FILE_NAME SIZE PART_FILE

Asking pip itself for the link and the connection means that whatever pip is set to counts here too:
indexes, local folders, certificates, proxies, user names. pip is not made to be imported into another
program, so this runs in a process of its own. It never builds, installs or unpacks anything, which
`pip download` of a source archive would.

Each line on standard output is a JSON object: ``{"done": bytes}`` as the file grows, and at the end
``{"complete": true}`` or ``{"error": cause}``.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

from pip._internal.commands.download import DownloadCommand
from pip._internal.exceptions import PipError
from pip._internal.models.format_control import FormatControl
from pip._vendor.requests import RequestException
from pip._vendor.urllib3.exceptions import HTTPError

CHUNK = 256 * 1024
REPORT_EVERY = 0.1  # seconds
TIMEOUT = 30  # seconds without a byte
ATTEMPTS_WITHOUT_PROGRESS = 4


class TransferError(Exception):
    """Why the file could not be fetched, in words for the user."""


class _Unreachable(logging.Handler):
    """Keeps the reasons for which pip passed over an index, which it only logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen = False

    def emit(self, record: logging.LogRecord) -> None:
        self.seen = self.seen or record.getMessage().startswith("Could not fetch URL")


def report(**message: object) -> None:
    print(json.dumps(message), flush=True)


def links_of(package: str, file_name: str):
    """The session pip would use, and every link to the file that pip's indexes offer, best first."""
    command = DownloadCommand("download", "")
    options, _ = command.parse_args([])
    options.format_control = FormatControl()
    options.cache_dir = None
    timeout = min(options.timeout or TIMEOUT, TIMEOUT)
    session = command._build_session(options, retries=1, timeout=timeout)
    session.auth.prompting = False
    unreachable = _Unreachable()
    collector_log = logging.getLogger("pip._internal.index.collector")
    collector_log.setLevel(logging.DEBUG)
    collector_log.addHandler(unreachable)
    finder = command._build_package_finder(options, session, ignore_requires_python=True)
    candidates = finder.find_all_candidates(package)
    links = [candidate.link for candidate in candidates if candidate.link.filename == file_name]
    if not links and unreachable.seen:
        raise TransferError("the package index that pip is set to could not be reached")
    if not links:
        raise TransferError(f"the package index that pip is set to has no {file_name}")
    return session, links


def receive(session, link, size: int, part: Path) -> None:
    """Adds what is missing of the file to the part; a connection that breaks raises what it broke with."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    response = session.get(link.url_without_fragment, headers=headers, stream=True)
    if response.status_code == 416:
        part.unlink()
        return
    if response.status_code >= 400:
        raise TransferError(f"the package index answered {response.status_code} {response.reason}")
    resumed = response.status_code == 206
    done = have if resumed else 0
    last = 0.0
    with part.open("ab" if resumed else "wb") as file:
        while block := response.raw.read(CHUNK):
            file.write(block)
            done += len(block)
            if done > size:
                raise TransferError(f"the file is larger than the {size} bytes it should have")
            if time.monotonic() - last > REPORT_EVERY:
                last = time.monotonic()
                report(done=done)
    report(done=done)


def transfer(session, link, size: int, part: Path) -> None:
    """Fetches the file into the part, going on after breaks for as long as they bring it further."""
    failures, cause = 0, ""
    while failures < ATTEMPTS_WITHOUT_PROGRESS:
        before = part.stat().st_size if part.exists() else 0
        if before == size:
            return
        try:
            receive(session, link, size, part)
            cause = "the connection ended early"
        except (RequestException, HTTPError, ConnectionError, TimeoutError) as error:
            cause = f"the connection broke ({type(error).__name__})"
        after = part.stat().st_size if part.exists() else 0
        if after <= before:
            failures += 1
            time.sleep(0.5 * failures)
    raise TransferError(cause)


def transfer_from_any(package: str, file_name: str, size: int, part: Path) -> None:
    """Fetches the file from the first of pip's indexes that gives it whole."""
    session, links = links_of(package, file_name)
    for link in links[:-1]:
        try:
            return transfer(session, link, size, part)
        except TransferError:
            part.unlink(missing_ok=True)
    transfer(session, links[-1], size, part)


def main() -> None:
    package, file_name, size, part = sys.argv[1:]
    try:
        transfer_from_any(package, file_name, int(size), Path(part))
    except (TransferError, PipError) as error:
        report(error=str(error))
    except OSError as error:
        report(error=f"the download could not be kept ({error})")
    else:
        report(complete=True)


if __name__ == "__main__":
    main()
