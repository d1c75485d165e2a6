// The crosshair tool: a click or drag moves all planes to that point.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.tools = medlabel.tools || {};

  const move = (drag, { ijk }) => medlabel.newest("cross", ["go_to", [ijk]]);
  medlabel.tools.cross = {
    begin: (point) => {
      move(null, point);
      return {};
    },
    move,
  };
})();
