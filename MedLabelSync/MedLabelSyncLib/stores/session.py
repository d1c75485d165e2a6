"""HTTP to a store: TLS verified, sizes bounded, other hosts refused, every failure a typed error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ..errors import AccessError, StoreDataError, StoreError
from .configured import ConfiguredStore
from .secret import Secret

if TYPE_CHECKING:
    import requests

# to connect, and between two pieces of an answer
TIMEOUT = (10.0, 60.0)
LARGEST_ANSWER = 4 << 30
TEMPORARY_STATUS = {408, 425, 429, 499, 500, 502, 503, 504, 507, 509}
_MEANINGS = {
    400: "it did not understand the request",
    402: "it asks for payment",
    404: "it has no such thing",
    409: "it could not take it in, as something there contradicts it",
    413: "it takes nothing this large",
    415: "it takes nothing of this kind",
    429: "it is asked too often",
    503: "it is busy or being looked after",
    507: "it is full",
}


def make_session(store: ConfiguredStore, secret: Secret | None) -> requests.Session:
    """A session that talks to the store's host alone, as the user configured it."""
    import requests
    from urllib3.util import Retry

    origin = _origin(store.address.place)

    class StoreSession(requests.Session):
        def get_redirect_target(self, response: requests.Response) -> str | None:
            target = super().get_redirect_target(response)
            if target is not None and _origin(urljoin(response.url, target)) != origin:
                raise AccessError(f"{origin[1]}: it points to another host, which is not followed")
            return target

        def send(self, request: requests.PreparedRequest, **options) -> requests.Response:
            options["stream"] = True
            if store.ca:
                # the environment's bundle of authorities would come before the session's own
                options["verify"] = store.ca
            options["timeout"] = options.get("timeout") or TIMEOUT
            response = super().send(request, **options)
            _read_bounded(response, origin[1])
            return response

    session = StoreSession()
    # the other end may have closed a connection that was kept open meanwhile; asking twice is harmless
    retry = Retry(
        total=1,
        connect=0,
        read=1,
        status=0,
        other=0,
        allowed_methods={"GET"},
        respect_retry_after_header=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))
    session.max_redirects = 5
    session.verify = store.ca or True
    if store.certificate:
        session.cert = (store.certificate, store.key) if store.key else store.certificate
    session.auth = make_login(store, secret)
    return session


def make_login(store: ConfiguredStore, secret: Secret | None) -> requests.auth.AuthBase:
    """Adds what the store's login asks for to each request. Raises AccessError where a secret is missing."""
    import requests.auth

    if store.login != "none" and secret is None:
        from .secret import variable_of

        raise AccessError(f"{store.name}: its secret is missing; set {variable_of(store.name)}")

    class Login(requests.auth.AuthBase):
        """With one of its own a session never looks into the user's .netrc."""

        def __init__(self) -> None:
            self._token, self._until = "", 0.0

        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            if store.login == "basic":
                return requests.auth.HTTPBasicAuth(store.user.encode(), secret.reveal().encode())(request)
            if store.login == "bearer":
                request.headers["Authorization"] = f"Bearer {secret.reveal()}"
            elif store.login == "token":
                request.headers["x-api-key"] = secret.reveal()
            elif store.login == "oidc":
                request.headers["Authorization"] = f"Bearer {self._access_token()}"
            return request

        def _access_token(self) -> str:
            if time.monotonic() < self._until:
                return self._token
            with typed_errors(store.token_address):
                answer = requests.post(
                    store.token_address,
                    data={"grant_type": "client_credentials"},
                    auth=(store.user, secret.reveal()),
                    timeout=TIMEOUT,
                    verify=store.ca or True,
                    allow_redirects=False,
                )
                answer.raise_for_status()
                data = answer.json()
                self._token = str(data["access_token"])
                self._until = time.monotonic() + max(0.0, float(data.get("expires_in", 60)) - 30)
            return self._token

    return Login()


@contextmanager
def typed_errors(url: str) -> Iterator[None]:
    """Whatever goes wrong with a request becomes a StoreError that names the host and no secret."""
    import requests

    host = _origin(url)[1]
    try:
        yield
    except requests.HTTPError as error:
        raise error_of(error.response, host) from None
    except requests.exceptions.SSLError:
        raise StoreError(f"{host}: its certificate is not to be trusted; --ca names its authority") from None
    except requests.TooManyRedirects:
        raise StoreError(f"{host}: it points from one place to the next without end") from None
    except requests.Timeout:
        raise StoreError(f"{host}: it does not answer in time", temporary=True) from None
    except requests.exceptions.JSONDecodeError:
        raise StoreDataError(f"{host}: it answered with something else than was asked for") from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise StoreError(f"{host}: {_what_broke(str(error))}", temporary=True) from None
    except requests.RequestException as error:
        raise StoreError(f"{host}: {type(error).__name__}", temporary=True) from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        # what json, pydicom and dicomweb-client raise where an answer is not what it should be
        reason = f"{host}: it answered with something else than was asked for ({type(error).__name__})"
        raise StoreDataError(reason) from None


def _what_broke(text: str) -> str:
    if "timed out" in text:
        return "it does not answer in time"
    if any(part in text for part in ("refused", "NameResolution", "Name or service", "unreachable")):
        return "it cannot be reached"
    return "the connection broke off"


def error_of(response: requests.Response, host: str) -> StoreError:
    """The error that an answer's status stands for."""
    status = response.status_code
    if status == 401:
        return AccessError(f"{host}: it does not know this user or secret (401)")
    if status == 403:
        return AccessError(f"{host}: this user may not do this there (403)")
    meaning = _MEANINGS.get(status, "it failed" if status >= 500 else "it refused")
    return StoreError(
        f"{host}: {meaning} ({status})",
        temporary=status in TEMPORARY_STATUS,
        retry_after=_retry_after(response.headers.get("Retry-After", "")),
    )


def _retry_after(text: str) -> float | None:
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _read_bounded(response: requests.Response, host: str) -> None:
    parts, size = [], 0
    for part in response.iter_content(1 << 18):
        size += len(part)
        if size > LARGEST_ANSWER:
            response.close()
            raise StoreDataError(f"{host}: its answer is larger than any it should give")
        parts.append(part)
    promised = response.headers.get("Content-Length", "")
    is_plain = "Content-Encoding" not in response.headers and response.request.method != "HEAD"
    if is_plain and promised.isdigit() and int(promised) != size:
        raise StoreError(f"{host}: the connection broke off", temporary=True)
    response._content, response._content_consumed = b"".join(parts), True


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, f"{parts.hostname}:{port}"
