// The frame: theme, full screen, and the panel's width.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  const set = (name, value) => window.trame.state.set(name, value);
  const NARROWEST = 220, WIDEST = 700;

  medlabel.frame = {
    theme: () => set("ml_theme", state().ml_theme === "light" ? "dark" : "light"),
    fullscreen: () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen().catch((error) => medlabel.say("No full screen: " + error.message));
    },
  };

  const width = (value) => Math.round(Math.min(WIDEST, Math.max(NARROWEST, value)));
  let split = null;
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.classList || !event.target.classList.contains("ml-split")) return;
    split = { x: event.clientX, from: state().ml_panel_width, now: state().ml_panel_width };
    event.target.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (!split) return;
    const moved = event.clientX - split.x;
    split.now = width(split.from + (state().ml_panel_left ? moved : -moved));
    document.querySelector(".ml-main-panel").style.width = split.now + "px";
  });
  document.addEventListener("pointerup", () => {
    if (split && split.now !== split.from) set("ml_panel_width", split.now);
    split = null;
  });
  document.addEventListener("dblclick", (event) => {
    if (event.target.classList && event.target.classList.contains("ml-split")) set("ml_panel_open", false);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.classList || !event.target.classList.contains("ml-split")) return;
    const way = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
    if (!way) return;
    set("ml_panel_width", width(state().ml_panel_width + (state().ml_panel_left ? -way : way)));
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  const toggle = (name) => () => set(name, !state()[name]);
  medlabel.actions.push(
    { id: "theme", title: "Light or dark theme", group: "Layout", keys: ["Alt+T"], run: medlabel.frame.theme },
    { id: "fullscreen", title: "Full screen", group: "Layout", keys: ["Shift+F"], run: medlabel.frame.fullscreen },
    { id: "panel", title: "Fold the panel away, or back", group: "Layout", keys: ["Shift+P"], run: toggle("ml_panel_open") },
    { id: "tools", title: "Fold the tools away, or back", group: "Layout", keys: ["Shift+T"], run: toggle("ml_tools_open") },
  );
})();
