// The layout: views dragged to change places by their names, a double click for all the room, and the keys.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  let dragged = null;

  const cellAt = (event) => {
    const found = document.elementFromPoint(event.clientX, event.clientY);
    return found && found.closest(".ml-view");
  };
  const unmark = () => document.querySelectorAll(".ml-target, .ml-dragged").forEach((cell) => cell.classList.remove("ml-target", "ml-dragged"));

  document.addEventListener("pointerdown", (event) => {
    const name = event.target.closest && event.target.closest(".ml-name");
    if (name && event.button === 0) dragged = { view: name.dataset.view, x: event.clientX, y: event.clientY, moved: false };
  });
  document.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    dragged.moved = dragged.moved || Math.hypot(event.clientX - dragged.x, event.clientY - dragged.y) > 10;
    if (!dragged.moved) return;
    unmark();
    const from = document.querySelector(`.ml-view[data-view="${dragged.view}"]`);
    const cell = cellAt(event);
    if (from) from.classList.add("ml-dragged");
    if (cell && cell !== from) cell.classList.add("ml-target");
  });
  document.addEventListener("pointerup", (event) => {
    if (!dragged) return;
    const { view, moved } = dragged;
    const cell = moved && cellAt(event);
    dragged = null;
    unmark();
    if (cell && cell.dataset.view !== view) medlabel.ask("swap_views", [view, cell.dataset.view]);
    // a drag ends in a click on the name, which would open its menu
    if (moved) addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
  });
  document.addEventListener("pointercancel", () => {
    dragged = null;
    unmark();
  });

  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest && event.target.closest(".ml-view");
    const onName = event.target.closest && event.target.closest(".ml-name");
    // two dabs of the brush are no double click
    const isFree = ["pan", "cross", "window"].includes(state().ml_tool) || (cell && cell.classList.contains("ml-threed"));
    if (!cell || !(onName || (isFree && event.target.closest(".ml-overlay, .ml-area")))) return;
    window.trame.state.set("ml_menu", "");
    medlabel.ask("maximise", [cell.dataset.view]);
  });

  medlabel.swapNext = (view) => {
    const views = state().ml_cells.map((cell) => cell.view);
    if (views.length > 1) medlabel.ask("swap_views", [view, views[(views.indexOf(view) + 1) % views.length]]);
  };

  const onView = (name, ...more) => (event) => void medlabel.ask(name, [medlabel.keyView(event), ...more]);
  medlabel.actions.push(
    { id: "rotate_left", title: "Turn the view left", group: "Views", keys: ["Shift+Q"], run: onView("rotate", false) },
    { id: "rotate_right", title: "Turn the view right", group: "Views", keys: ["Shift+E"], run: onView("rotate", true) },
    { id: "flip_h", title: "Exchange left and right", group: "Views", keys: ["Shift+H"], run: onView("flip", true) },
    { id: "flip_v", title: "Exchange top and bottom", group: "Views", keys: ["Shift+V"], run: onView("flip", false) },
    { id: "invert", title: "Invert colours", group: "Views", keys: ["Shift+I"], run: onView("invert") },
    { id: "reset_view", title: "Reset the view", group: "Views", keys: ["Shift+R"], run: onView("reset_view") },
    { id: "maximise", title: "All the room for the view, and back", group: "Views", keys: ["M"], run: onView("maximise") },
    { id: "swap", title: "Change places with the next view", group: "Views", keys: ["Shift+X"], run: (event) => void medlabel.swapNext(medlabel.keyView(event)) },
    ...[["axial", "Shift+A"], ["sagittal", "Shift+S"], ["coronal", "Shift+C"], ["threed", "Shift+D"]].map(([kind, key]) => (
      { id: "show_" + kind, title: "Show " + (kind === "threed" ? "3D" : kind) + " in the view", group: "Views", keys: [key], run: onView("show_view", kind) })),
    ...[["zoom_in", "Nearer", 1.25, ["+", "="]], ["zoom_out", "Farther", 0.8, ["-"]]].map(([id, title, factor, keys]) => (
      { id, title, group: "Views", keys, run: (event) => {
        const view = medlabel.keyView(event);
        if (state().ml_views[view]) medlabel.ask("zoom", [view, factor, [0.5, 0.5]]);
      } })),
    ...[["left", 0.05, 0], ["right", -0.05, 0], ["up", 0, 0.05], ["down", 0, -0.05]].map(([way, right, down]) => (
      { id: "pan_" + way, title: "Look farther " + way, group: "Views", keys: ["Ctrl+Arrow" + way[0].toUpperCase() + way.slice(1)], run: (event) => {
        const view = medlabel.keyView(event);
        if (state().ml_views[view]) medlabel.ask("pan", [view, right, down]);
      } })),
    { id: "next_view", title: "The next view", group: "Views", keys: ["N"], run: (event) => {
      const cells = state().ml_cells;
      const at = cells.findIndex((cell) => cell.view === medlabel.keyView(event));
      const next = document.querySelector(`.ml-view[data-view="${cells[(at + 1) % cells.length].view}"]`);
      medlabel.hover = next.dataset.view;
      next.querySelector(".ml-overlay, .ml-name").focus();
    } },
    ...["1x1", "2x2", "3x2", "4x4"].map((name) => (
      { id: "layout_" + name, title: `Layout ${name.replace("x", " × ")}`, group: "Layout", keys: ["Alt+" + name[0]], run: () => void medlabel.ask("choose_layout", [name]) })),
    { id: "default_layout", title: "Restore the default layout", group: "Layout", keys: ["Alt+0"], run: () => void medlabel.ask("default_layout") },
  );
})();
