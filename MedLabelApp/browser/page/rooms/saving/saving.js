// Saved at HH:MM, saving, or NOT SAVED and why.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;

  medlabel.showSaved = () => {
    const label = document.getElementById("ml-saved");
    if (!label || !medlabel.outbox) return;
    const { state: kind, at, reason } = state().ml_saved;
    const time = at ? " at " + new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }) : "";
    let text = kind === "saved" ? (at ? "saved" + time : "no changes") : kind === "saving" ? "saving…" : "NOT SAVED" + (reason ? ": " + reason : "");
    if (medlabel.broken) text = "NOT SAVED: not connected";
    else if (medlabel.outbox.count && kind !== "not saved") text = "saving…";
    if (label.textContent !== text) label.textContent = text;
    label.classList.toggle("ml-alarm", text.startsWith("NOT SAVED"));
  };
  setInterval(medlabel.showSaved, 200);

  medlabel.actions.push({ id: "save", title: "Write the files now", keys: ["Ctrl+S"], run: () => void medlabel.ask("save") });
})();
