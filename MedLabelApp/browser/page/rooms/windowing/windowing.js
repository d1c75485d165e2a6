// The window tool: drag right for a wider window, up for a lower center.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.tools = medlabel.tools || {};
  const state = () => window.trame.state.state;

  medlabel.tools.window = {
    begin: ({ u, v }) => ({ u, v, from: [...state().ml_window] }),
    move: (drag, { u, v }) => {
      const scale = Math.max(drag.from[1], 1);
      const width = drag.from[1] + (u - drag.u) * 2 * scale;
      const center = drag.from[0] + (v - drag.v) * 2 * scale;
      medlabel.newest("window", ["set_window", [center, Math.max(width, scale / 1000)]]);
    },
  };
})();
