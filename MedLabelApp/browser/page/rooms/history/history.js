// Undo, redo, the panel of what was done, and the state that it shows before one goes there.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  const toggle = () => window.trame.state.set("ml_history_open", !state().ml_history_open);

  // today the time, else the day too
  medlabel.moment = (seconds) => {
    const when = new Date(seconds * 1000);
    const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    const isToday = when.toDateString() === new Date().toDateString();
    return isToday ? time : `${when.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
  };

  medlabel.goThere = async () => {
    const answer = await medlabel.ask("go_there");
    if (answer.name) medlabel.say(`${answer.name}. Ctrl+Z takes it back.`);
  };
  medlabel.bringBack = async (key) => {
    const answer = await medlabel.ask("bring_back", [key]);
    if (answer.name) medlabel.say(`${answer.name}. Ctrl+Z takes it back.`);
  };

  const whilePreviewing = (act) => (event) => {
    if (!state().ml_preview.entry || event.target.closest("button:not(.ml-previewed *), a, select")) return false;
    act();
    return true;
  };
  medlabel.actions.push(
    { id: "undo", title: "Undo", group: "History", keys: ["Ctrl+Z"], run: () => void medlabel.ask("undo") },
    { id: "redo", title: "Redo", group: "History", keys: ["Ctrl+Y", "Ctrl+Shift+Z"], run: () => void medlabel.ask("redo") },
    { id: "history", title: "Open or close the history", group: "History", keys: ["H"], run: toggle },
    { id: "go_there", title: "Go to the state that is shown", group: "History", keys: ["Enter"], run: whilePreviewing(() => {
      if (state().ml_preview.any && !state().ml_locked) medlabel.goThere();
    }) },
  );
  // Esc ends the preview wherever the keyboard is, but closes an open menu first
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || medlabel.broken || !state().ml_preview.entry) return;
    event.preventDefault();
    medlabel.ask("end_preview");
  });
})();
