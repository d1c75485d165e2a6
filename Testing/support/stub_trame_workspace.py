"""The smallest trame workspace that a front can run; its page counts clicks and shows what was opened."""

from __future__ import annotations

from MedLabelApp.browser.front.workspace_control import WorkspaceControl
from MedLabelApp.browser.front.workspace_guard import require_key


def main() -> None:
    control = WorkspaceControl.take_over()

    import asyncio

    from trame.app import get_server
    from trame.ui.html import DivLayout
    from trame.widgets import html

    server = get_server(client_type="vue3")
    server.cli.set_defaults(authKey=control.key)
    server.state.update({"count": 0, "opened": ""})
    server.controller.on_server_bind.add(lambda bound: bound.app.middlewares.append(require_key(control.key)))

    with DivLayout(server):
        html.Div("{{ opened }}", id="opened")
        html.Button("clicked {{ count }}", id="button", click="count += 1", style="color: rgb(1, 2, 3)")
        html.Div("server saw {{ seen }}", id="seen")

    @server.state.change("count")
    def _seen(count: int, **_: object) -> None:
        server.state.seen = count

    def ready(**_: object) -> None:
        loop = asyncio.get_running_loop()

        def open_it(what: dict[str, str]) -> None:
            def show() -> None:
                with server.state:
                    server.state.opened = str(what.get("volume") or what.get("file"))
                control.opened()

            loop.call_soon_threadsafe(show)

        control.announce(server.port)
        control.listen(open_it, lambda: loop.call_soon_threadsafe(lambda: loop.create_task(server.stop())))

    server.controller.on_server_ready.add(ready)
    server.start(
        port=0,
        host="127.0.0.1",
        timeout=0,
        open_browser=False,
        show_connection_info=False,
        disable_logging=True,
    )


if __name__ == "__main__":
    main()
