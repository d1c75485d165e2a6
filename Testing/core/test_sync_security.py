"""What a store's session trusts, sends and takes."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from MedLabelSyncLib.errors import AccessError, StoreDataError, StoreError
from MedLabelSyncLib.stores import session
from MedLabelSyncLib.stores.address import parse_address
from MedLabelSyncLib.stores.configured import ConfiguredStore
from MedLabelSyncLib.stores.dicomweb import DicomWebStore
from MedLabelSyncLib.stores.secret import Secret
from support.small_server import Reply, SmallServer, make_certificate

SECRET = "swordfish-not-to-be-seen"
NOTHING_FOUND: Reply = (200, {"Content-Type": "application/dicom+json"}, b"[]")


def store_at(server: SmallServer, **options) -> DicomWebStore:
    configured = ConfiguredStore("pacs", parse_address(f"dicomweb+{server.url}"), **options)
    return DicomWebStore(configured, Secret(SECRET))


def nothing_found(*_: object) -> Reply:
    return NOTHING_FOUND


def test_an_unknown_authority_is_refused_and_a_named_one_trusted(tmp_path: Path) -> None:
    with SmallServer(nothing_found, make_certificate(tmp_path, "server")) as server:
        with pytest.raises(StoreError, match="certificate is not to be trusted") as raised:
            store_at(server, login="bearer").test()
        assert not raised.value.temporary
        # the secret did not leave before the other side was known
        assert server.asked == []
        store_at(server, ca=str(tmp_path / "server.crt"), login="bearer").test()


def test_a_client_shows_its_certificate(tmp_path: Path) -> None:
    mine = make_certificate(tmp_path, "client")
    server_side = make_certificate(tmp_path, "server")
    with SmallServer(nothing_found, server_side, tmp_path / "client.crt") as server:
        trusted = {"ca": str(tmp_path / "server.crt")}
        with pytest.raises(StoreError):
            store_at(server, **trusted).test()
        store_at(server, certificate=str(mine), **trusted).test()
        store_at(
            server, certificate=str(tmp_path / "client.crt"), key=str(tmp_path / "client.key"), **trusted
        ).test()


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ("none", None),
        ("basic", "Basic " + base64.b64encode(f"ädä:{SECRET}".encode()).decode()),
        ("bearer", f"Bearer {SECRET}"),
    ],
)
def test_logins(login: str, header: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what lies in the user's .netrc is for other programs
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with SmallServer(nothing_found) as server:
        store_at(server, user="ädä", login=login).test()
        assert server.asked[0][1].get("Authorization") == header


def test_oidc_client_credentials() -> None:
    def answer(path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path == "/token":
            assert body == b"grant_type=client_credentials"
            token = {"access_token": "short-lived", "expires_in": 300}
            return 200, {"Content-Type": "application/json"}, json.dumps(token).encode()
        return NOTHING_FOUND

    with SmallServer(answer) as server:
        store = store_at(server, user="client", login="oidc", token_address=f"{server.url}/token")
        store.test()
        store.test()
        assert [path for path, _ in server.asked].count("/token") == 1
        assert server.asked[-1][1]["Authorization"] == "Bearer short-lived"
        assert SECRET not in str(server.asked[1:])


def test_a_missing_secret_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with SmallServer(nothing_found) as server:
        configured = ConfiguredStore("pacs", parse_address(f"dicomweb+{server.url}"), login="bearer")
        with pytest.raises(AccessError, match="MEDLABEL_STORE_PACS_SECRET"):
            DicomWebStore(configured, None)


def test_redirects_to_another_host_are_refused_and_at_home_followed() -> None:
    with SmallServer(nothing_found) as thief:

        def answer(path: str, headers: dict[str, str], body: bytes) -> Reply:
            if path.startswith("/moved"):
                return NOTHING_FOUND
            target = f"{thief.url}/studies" if away else "/moved"
            return 302, {"Location": target}, b""

        with SmallServer(answer) as server:
            away = True
            with pytest.raises(AccessError, match="another host"):
                store_at(server, login="bearer").test()
            assert thief.asked == []
            away = False
            store_at(server, login="bearer").test()


def test_answers_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LARGEST_ANSWER", 1 << 20)

    def flood(*_: object) -> Reply:
        return 200, {"Content-Type": "application/dicom+json"}, b" " * (2 << 20)

    with SmallServer(flood) as server, pytest.raises(StoreDataError, match="larger"):
        store_at(server).test()


@pytest.mark.parametrize(
    "content", [b"{", b"[1, 2]", b'[{"00080018": 3}]', b'[{"00080018": {"Value": 3}}]', b"null", b"\xff"]
)
def test_nonsense_is_refused(content: bytes) -> None:
    def answer(*_: object) -> Reply:
        return 200, {"Content-Type": "application/dicom+json"}, content

    with SmallServer(answer) as server, pytest.raises(StoreDataError, match="else than was asked for"):
        store_at(server).references()


def test_rows_that_are_not_ours_are_passed_over() -> None:
    rows = [
        {"00080018": {"Value": ["1.2.3"]}, "0008103E": {"Value": ["Another report"]}},
        {"00080018": {"Value": ["2.25.7"]}, "0008103E": {"Value": ["MedLabel-zz"]}},
        {"0008103E": {"Value": ["MedLabel-" + "a" * 32]}},
        {"00080018": {"Value": ["2.25." + "9" * 60]}, "0008103E": {"Value": ["MedLabel-" + "a" * 32]}},
    ]

    def answer(*_: object) -> Reply:
        return 200, {"Content-Type": "application/dicom+json"}, json.dumps(rows).encode()

    with SmallServer(answer) as server:
        assert store_at(server).references() == {}
