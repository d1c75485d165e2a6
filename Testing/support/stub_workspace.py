"""A workspace process without trame: echoes, and tells what reached it. Run as a program by the tests.

``STUB_FOLDER`` names a folder in which it leaves a mark of each start (``<pid>.started``) and end
(``<pid>.saved``).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from aiohttp import WSMsgType, web

from MedLabelApp.browser.front.workspace_control import WorkspaceControl
from MedLabelApp.browser.front.workspace_guard import require_key


async def _echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(max_msg_size=1 << 28)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data == "die":
            os._exit(9)
        elif message.data == "close":
            await socket.close(code=4321)
        else:
            await socket.send_str(message.data)
    return socket


async def _main(control: WorkspaceControl, marks: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    asked: list[dict[str, str]] = []

    def open_it(what: dict[str, str]) -> None:
        asked.append(what)
        name = what.get("volume", "")
        if name == "broken":
            control.failed("broken.nrrd: the file is truncated")
        elif name == "dying":
            os._exit(3)
        else:
            control.opened()

    async def about(request: web.Request) -> web.Response:
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        about = {
            "pid": os.getpid(),
            "asked": asked,
            "headers": headers,
            "body": body,
            "path": request.path_qs,
        }
        return web.json_response(about, headers={"Set-Cookie": "inner=1"})

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html><script>let a = 1;</script></html>", content_type="text/html")

    app = web.Application(middlewares=[require_key(control.key)], client_max_size=1 << 26)
    app.router.add_get("/ws", _echo)
    app.router.add_get("/index.html", page)
    app.router.add_route("*", "/{tail:.*}", about)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("a library that prints to standard output")
    os.write(1, b"and one that does so without Python\n")
    control.announce(runner.addresses[0][1])
    control.listen(open_it, lambda: loop.call_soon_threadsafe(ended.set))
    await ended.wait()
    (marks / f"{os.getpid()}.saved").touch()


if __name__ == "__main__":
    taken = WorkspaceControl.take_over()
    folder = Path(os.environ["STUB_FOLDER"])
    (folder / f"{os.getpid()}.started").touch()
    asyncio.run(_main(taken, folder))
