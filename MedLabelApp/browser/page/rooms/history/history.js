// Undo, redo, and the panel of what was done.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const toggle = () => window.trame.state.set("ml_history_open", !window.trame.state.state.ml_history_open);

  medlabel.actions.push(
    { id: "undo", title: "Undo", keys: ["Ctrl+Z"], run: () => void medlabel.ask("undo") },
    { id: "redo", title: "Redo", keys: ["Ctrl+Y", "Ctrl+Shift+Z"], run: () => void medlabel.ask("redo") },
    { id: "history", title: "Open or close the history", keys: ["H"], run: toggle },
  );
})();
