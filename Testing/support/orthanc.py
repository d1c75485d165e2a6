"""A real Orthanc with its DICOMweb plugin, on loopback, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import requests

from support.needs import lacking

PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc")
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Orthanc:
    """The server; ``user`` and ``password`` where it is to ask for them. Its index is SQLite."""

    def __init__(self, folder: Path, user: str = "", password: str = "") -> None:
        program = shutil.which("Orthanc")
        plugins = [
            path for place in PLUGIN_FOLDERS for path in sorted(Path(place).glob("libOrthancDicomWeb.so*"))
        ]
        if program is None or not plugins:
            lacking("Orthanc and its DICOMweb plugin are not installed: make setup-test")
        self.folder, self.port = folder, free_port()
        self.auth = (user, password) if user else None
        self._program = program
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "index"),
            "TemporaryDirectory": str(folder / "temporary"),
            "HttpPort": self.port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": bool(user),
            "RegisteredUsers": {user: password} if user else {},
            "DicomServerEnabled": False,
            "Plugins": [str(plugins[0])],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            "OverwriteInstances": False,
        }
        (folder / "temporary").mkdir(exist_ok=True)
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self._process: subprocess.Popen | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, str(self.folder / "orthanc.json")], stdout=log, stderr=log, cwd=self.folder
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                if self._get("system").ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def files(self) -> dict[str, bytes]:
        """SOP instance UID → the file, of all there is."""
        found = {}
        for instance in self._get("instances?expand").json():
            content = self._get(f"instances/{instance['ID']}/file").content
            found[instance["MainDicomTags"]["SOPInstanceUID"]] = content
        return found

    def upload(self, content: bytes) -> None:
        """Put a DICOM file there, as another program does."""
        answer = requests.post(
            f"http://127.0.0.1:{self.port}/instances", data=content, auth=self.auth, timeout=30
        )
        answer.raise_for_status()

    def count(self) -> int:
        return self._get("statistics").json()["CountInstances"]

    def _get(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}/{path}", auth=self.auth, timeout=30)
