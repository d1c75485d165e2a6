// The keys of the page. Each script adds its actions to medlabel.actions:
// {id, title, group, keys: ["Ctrl+S", …], run(event)}, where run may return false to leave the key to the page.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;

  // "Ctrl+Shift+Z": how a key's name is written
  medlabel.keyName = (event) => {
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const letter = /^[A-Z]$/.test(key);
    const shift = event.shiftKey && (letter || key.length > 1);
    return [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", shift && "Shift", key].filter(Boolean).join("+");
  };

  // the view that a key without a pointer means: the focused one, else the one under the pointer
  medlabel.keyView = (event) =>
    (event.target.dataset && event.target.dataset.view) || medlabel.hover || "axial";

  // what the keys are, for the page to say beside each control
  let known = 0;
  setInterval(() => {
    if (!window.trame || known === medlabel.actions.length) return;
    known = medlabel.actions.length;
    const keys = {};
    for (const action of medlabel.actions) keys[action.id] = action.keys[0];
    window.trame.state.set("ml_keys", keys);
  }, 200);

  document.addEventListener("keydown", (event) => {
    if (medlabel.broken) return;
    const name = medlabel.keyName(event);
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), textarea, select");
    if (typing && !name.startsWith("Ctrl+")) return;
    const tool = (state().ml_tools || []).find((one) => one.key === name);
    if (tool) {
      window.trame.state.set("ml_tool", tool.name);
      event.preventDefault();
      return;
    }
    // an action for one tool only leaves the key to the next one while another tool is chosen
    const taken = medlabel.actions.some((one) => one.keys.includes(name) && one.run(event) !== false);
    if (taken) event.preventDefault();
  });
})();
