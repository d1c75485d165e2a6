// The window tool: drag right for a wider window, up for a lower center; in the histogram drag an edge or
// the middle. Keys take the presets in their order.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.tools = medlabel.tools || {};
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  const send = (center, width) => medlabel.newest("window", ["set_window", [center, width]]);

  medlabel.tools.window = {
    begin: ({ u, v }) => ({ u, v, from: [...state().ml_window] }),
    move: (drag, { u, v }) => {
      const scale = Math.max(drag.from[1], 1e-3);
      const width = drag.from[1] + (u - drag.u) * 2 * scale;
      const center = drag.from[0] + (v - drag.v) * 2 * scale;
      send(center, Math.max(width, scale / 1000));
    },
  };

  medlabel.keepPreset = (form) => {
    medlabel.ask("keep_preset", [form.elements.preset.value]);
    form.reset();
  };

  let drag = null;
  const valueAt = (chart, event) => {
    const box = chart.getBoundingClientRect();
    const { low, high } = state().ml_histogram;
    return low + ((event.clientX - box.left) / box.width) * (high - low);
  };
  document.addEventListener("pointerdown", (event) => {
    const chart = event.target.closest && event.target.closest(".ml-histogram");
    if (!chart) return;
    const [center, width] = state().ml_window;
    const { low, high } = state().ml_histogram;
    const at = valueAt(chart, event);
    const [left, right] = [center - width / 2, center + width / 2];
    const near = Math.min((high - low) * 0.05, width / 3);
    const part = Math.abs(at - left) < near || at < left ? "left" : Math.abs(at - right) < near || at > right ? "right" : "middle";
    drag = { chart, part, at, left, right };
    chart.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const at = valueAt(drag.chart, event);
    let { left, right } = drag;
    if (drag.part === "left") left = Math.min(at, right - 1e-3);
    else if (drag.part === "right") right = Math.max(at, left + 1e-3);
    else [left, right] = [left + at - drag.at, right + at - drag.at];
    send((left + right) / 2, right - left);
  });
  document.addEventListener("pointerup", () => (drag = null));

  medlabel.actions.push({ id: "automatic", title: "Window from the values", group: "Window", keys: ["Alt+A"], run: () => void medlabel.ask("automatic_window") });
  for (let number = 1; number <= 9; number++)
    medlabel.actions.push({ id: "preset_" + number, title: `Window preset ${number}`, group: "Window", keys: ["Ctrl+Alt+" + number], run: () => {
      const preset = state().ml_presets[number - 1];
      if (preset) medlabel.ask("set_window", [preset.center, preset.width]);
    } });
})();
