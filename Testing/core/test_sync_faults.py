"""Every fault of links and servers while labels are pushed and pulled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.box import Box
from MedLabelSyncLib.errors import StoreDataError, StoreError
from MedLabelSyncLib.stores import session
from MedLabelSyncLib.stores.address import parse_address
from MedLabelSyncLib.stores.configured import ConfiguredStore, StoreList
from MedLabelSyncLib.stores.dicomweb import DicomWebStore
from MedLabelSyncLib.stores.secret import Secret
from support.dicom_files import Series
from support.faulty_proxy import FAULTS, FaultyProxy
from support.orthanc import Orthanc
from support.sync_projects import dicom_person

PASSWORD = "swordfish-not-to-be-seen"
# at which request the fault begins: a push of one object has some ten
LATEST = 12


class Setting:
    """Ada and Bob with a series each has, a server, and the proxy between."""

    def __init__(self, folder: Path, orthanc: Orthanc, proxy: FaultyProxy) -> None:
        self.folder, self.orthanc, self.proxy = folder, orthanc, proxy
        self.direct = self.store(self.orthanc.port)
        values = np.random.default_rng(3).integers(-500, 500, (24, 20, 12)).astype(np.int16)
        Series(values).write(folder / "dicom")
        through = self.store(self.proxy.port)
        self.ada, self.bob = (
            dicom_person(folder, name, through, folder / "dicom") for name in ("ada", "bob")
        )
        self.ada.add()
        self.ada.push(with_scans=True)
        self.bob.pull()

    def store(self, port: int) -> DicomWebStore:
        address = parse_address(f"dicomweb+http://127.0.0.1:{port}/dicom-web")
        return DicomWebStore(ConfiguredStore("pacs", address, "ada", "basic"), Secret(PASSWORD))

    def restart(self) -> None:
        self.orthanc.stop()
        self.orthanc.start()

    def attempt(self, action) -> str:
        """What is said when it fails; empty when it does not."""
        try:
            result = action()
        except StoreError as error:
            return self.checked(error)
        return "" if result.error is None else self.checked(result.error)

    def checked(self, error: Exception) -> str:
        assert isinstance(error, StoreError), error
        said = str(error)
        assert "127.0.0.1" in said or isinstance(error, StoreDataError)
        assert PASSWORD not in said
        return said

    def killed_push(self, at: int) -> None:
        """Push in a process that is killed when it makes request number ``at``."""
        StoreList(self.folder / "config").path.unlink(missing_ok=True)
        address = parse_address(f"dicomweb+http://127.0.0.1:{self.proxy.port}/dicom-web")
        StoreList(self.folder / "config").add(ConfiguredStore("pacs", address, "ada", "basic"))
        started: list[subprocess.Popen] = []
        self.proxy.arm("killed", at, lambda: started[0].send_signal(signal.SIGKILL))
        command = [
            sys.executable,
            "-m",
            "MedLabelApp.command.main",
            "push",
            str(self.ada.project.path),
            "--yes",
        ]
        started.append(
            subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={
                    **os.environ,
                    "MEDLABEL_CONFIG": str(self.folder / "config"),
                    "MEDLABEL_STORE_PACS_SECRET": PASSWORD,
                },
            )
        )
        started[0].wait(120)
        self.proxy.heal()


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "TIMEOUT", (5.0, 3.0))
    orthanc = Orthanc(tmp_path / "orthanc", "ada", PASSWORD)
    proxy = FaultyProxy(("127.0.0.1", orthanc.port))
    try:
        yield Setting(tmp_path, orthanc, proxy)
    finally:
        proxy.close()
        orthanc.stop()


@pytest.mark.prove
def test_after_any_fault_one_more_attempt_completes(setting: Setting, proof) -> None:
    said: set[str] = set()
    whole: set[str] = set()
    ada, bob = setting.ada, setting.bob
    for number, random in enumerate(proof.cases(sample=6, full=300)):
        fault = str(random.choice(FAULTS)) if number % 2 else FAULTS[number // 2 % len(FAULTS)]
        at = int(random.integers(1, LATEST))
        before = setting.orthanc.count()
        box = Box((number % 20, 3, 1), (number % 20 + 3, 8, 4))
        ada.add(box, str(random.choice(["tumour", "node"])))
        wanted = ada.digest
        if fault == "killed":
            setting.killed_push(at)
        else:
            setting.proxy.arm(fault, at, setting.restart)
            said.add(setting.attempt(ada.push))
            setting.proxy.heal()
        # what came through is whole, or is not seen
        ((scan_id, references),) = setting.direct.references().items()
        for reference in references:
            if reference.id not in whole:
                setting.direct.read(scan_id, reference.id)
                whole.add(reference.id)
        assert setting.attempt(ada.push) == ""
        assert (ada.status, ada.digest) == ("same", wanted)
        # one segmentation and one report, however often it was tried
        assert setting.orthanc.count() == before + 2, fault
        known = bob.digest
        setting.proxy.arm(fault if fault != "killed" else "reset", at, setting.restart)
        failed = setting.attempt(bob.pull)
        setting.proxy.heal()
        assert bob.digest == (known if failed else wanted), fault
        said.add(failed)
        assert setting.attempt(bob.pull) == ""
        assert (bob.status, bob.digest) == ("same", wanted)
        assert setting.orthanc.count() == before + 2
    assert len(said) > 1, said


def test_what_each_fault_is_called(setting: Setting) -> None:
    setting.ada.add()
    told = {}
    for fault in FAULTS:
        if fault not in ("restarted", "killed", "answer lost"):
            setting.proxy.arm(fault, 1)
            told[fault] = setting.attempt(setting.ada.push).partition(": ")[2]
            setting.proxy.heal()
    assert told["401"] == "it does not know this user or secret (401)"
    assert told["403"] == "this user may not do this there (403)"
    assert told["413"] == "it takes nothing this large (413)"
    assert told["429"] == "it is asked too often (429)"
    assert told["503"] == "it is busy or being looked after (503)"
    assert told["slow"] == "it does not answer in time"
    assert told["reset"] == told["refused"] == told["answer cut"] == "the connection broke off"
    assert told["wrong type"].startswith("it answered with something else than was asked for")
    assert all(told.values())
