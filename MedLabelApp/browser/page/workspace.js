// Keys, readout, saved state and notices of the workspace page.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  const state = () => window.trame.state.state;
  const set = (name, value) => window.trame.state.set(name, value);

  let toast = null;
  medlabel.say = (text) => {
    document.querySelectorAll(".ml-toast").forEach((old) => old.remove());
    const box = document.createElement("div");
    box.className = "ml-toast";
    box.setAttribute("role", "alert");
    box.textContent = text;
    document.body.appendChild(box);
    clearTimeout(toast);
    toast = setTimeout(() => box.remove(), 6000);
  };

  medlabel.newObject = async () => {
    const name = (state().ml_new_class || "").trim();
    if (!name) return medlabel.say("Name the class of the new object.");
    const answer = await window.trame.trigger("new_object", [name]);
    if (answer.error) return medlabel.say(answer.error);
    set("ml_new_class", "");
    return null;
  };

  // -- saved at HH:MM, saving, or NOT SAVED and why ---------------------------------------------------------

  medlabel.showSaved = () => {
    const label = document.getElementById("ml-saved");
    if (!label || !medlabel.outbox) return;
    const { state: kind, at, reason } = state().ml_saved;
    const time = at ? " at " + new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }) : "";
    let text = kind === "saved" ? (at ? "saved" + time : "no changes") : kind === "saving" ? "saving…" : "NOT SAVED" + (reason ? ": " + reason : "");
    if (medlabel.broken) text = "NOT SAVED: not connected";
    else if (medlabel.outbox.count) text = "saving…";
    if (label.textContent !== text) label.textContent = text;
    label.classList.toggle("ml-alarm", text.startsWith("NOT SAVED"));
  };
  setInterval(medlabel.showSaved, 200);

  // -- readout ---------------------------------------------------------------------------------------------------

  let asked = false;
  let place = null;
  medlabel.readout = (ijk) => {
    place = ijk.map(Math.round);
    const shape = state().ml_shape;
    const box = document.getElementById("ml-readout");
    if (!box) return;
    if (!place.every((n, axis) => n >= 0 && n < shape[axis])) {
      place = null;
      box.textContent = "";
      return;
    }
    if (!asked) ask();
  };
  async function ask() {
    asked = true;
    while (place) {
      const ijk = place;
      place = null;
      const a = state().ml_affine;
      const ras = [0, 4, 8].map((r) => a[r] * ijk[0] + a[r + 1] * ijk[1] + a[r + 2] * ijk[2] + a[r + 3]);
      let value = "";
      try {
        const answer = await window.trame.trigger("value_at", [ijk]);
        if (answer && answer.value !== null && answer.value !== undefined)
          value = Math.round(answer.value * 1000) / 1000 + " " + (state().ml_unit || "");
      } catch (error) {
        break;
      }
      const box = document.getElementById("ml-readout");
      if (box) box.textContent = `IJK ${ijk.join(" ")}   RAS ${ras.map((x) => x.toFixed(1)).join(" ")} mm   ${value}`;
    }
    asked = false;
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  const tools = { 1: "pan", 8: "brush", e: "eraser", w: "window", c: "cross" };
  document.addEventListener("keydown", (event) => {
    if (medlabel.broken) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const name = { s: "save", z: event.shiftKey ? "redo" : "undo", y: "redo" }[key];
      if (!name) return;
      event.preventDefault();
      window.trame.trigger(name).then((answer) => answer && answer.error && medlabel.say(answer.error));
      return;
    }
    if (event.target.closest("input:not([type=range])") || event.altKey) return;
    const view = event.target.dataset && event.target.dataset.view ? event.target.dataset.view : medlabel.hover || "axial";
    if (tools[key]) set("ml_tool", tools[key]);
    else if (key === "h") set("ml_history_open", !state().ml_history_open);
    else if (key === "f") window.trame.trigger("fit");
    else if (key === "[") set("ml_radius", Math.max(0.5, state().ml_radius / 1.2));
    else if (key === "]") set("ml_radius", Math.min(60, state().ml_radius * 1.2));
    else if ((key === "arrowup" || key === "pageup") && event.target.type !== "range") medlabel.step(view, 1);
    else if ((key === "arrowdown" || key === "pagedown") && event.target.type !== "range") medlabel.step(view, -1);
    else return;
    event.preventDefault();
  });
})();
