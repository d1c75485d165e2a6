// The map of keys, opened by a key, and what two actions would take at once.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const set = (value) => window.trame.state.set("ml_keys_open", value);

  const rows = () => [
    ...window.trame.state.state.ml_tools.map((tool) => ({ id: "tool_" + tool.name, title: "Tool: " + tool.title, when: "", keys: [tool.key] })),
    ...medlabel.actions.map(({ id, title, keys, when }) => ({ id, title, keys, when: when || "" })),
  ];
  // pairs of actions that answer to one key under the same tool
  medlabel.keyClashes = () => {
    const taken = {}, clashes = [];
    for (const { id, keys, when } of rows())
      for (const key of keys) {
        const place = key + "|" + when;
        if (taken[place]) clashes.push([key, taken[place], id]);
        taken[place] = id;
      }
    return clashes;
  };
  const open = () => {
    window.trame.state.set("ml_actions", rows());
    set(true);
    setTimeout(() => {
      const close = document.getElementById("ml-keys-close");
      if (close) close.focus();
    }, 150);
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#ml-keys")) window.trame.state.set("ml_actions", rows());
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !window.trame.state.state.ml_keys_open) return;
    set(false);
    document.getElementById("ml-keys").focus();
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  medlabel.actions.push({ id: "keys", title: "What each key does", group: "Layout", keys: ["F1", "?"], run: open });
})();
