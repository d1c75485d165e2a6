// Keys for how labels and pictures look. A tap of the labels' key hides them until the next; held, it hides
// them for as long as it is held.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  const HELD_MS = 350;
  let held = null;

  const show = (shown) => medlabel.ask("set_look", [{ shown }]);
  medlabel.actions.push(
    { id: "labels", title: "Hide all labels, held or tapped", group: "Display", keys: ["L"], run: (event) => {
      if (event.repeat) return;
      held = { at: performance.now(), key: event.code, was: state().ml_look.shown };
      show(!held.was);
    } },
    { id: "filled", title: "Labels filled, or their outlines only", group: "Display", keys: ["Shift+L"], run: () => void medlabel.ask("set_look", [{ filled: !state().ml_look.filled }]) },
    { id: "interpolated", title: "Interpolated or plain pixels", group: "Display", keys: ["Shift+N"], run: () => void medlabel.ask("interpolate", [!state().ml_interpolated]) },
  );
  document.addEventListener("keyup", (event) => {
    if (!held || event.code !== held.key) return;
    if (performance.now() - held.at > HELD_MS) show(held.was);
    held = null;
  });
})();
