// The crosshair: drawn over the views here, moved by a click, a drag or the arrow keys.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.tools = medlabel.tools || {};
  medlabel.painters = medlabel.painters || [];
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  // the line that a plane leaves in another has that plane's colour: i sagittal, j coronal, k axial
  const COLORS = ["#6cc481", "#6fa5f0", "#f07a75"];
  const GAP = 14;
  let dragged = null; // where it is under the hand, before the server says so

  // the screen's fractions [u, v] of a voxel coordinate, by the two axes that lie in the view
  medlabel.toView = (name, ijk) => {
    const m = state().ml_views[name].matrix;
    const through = { sagittal: 0, coronal: 1, axial: 2 }[state().ml_views[name].plane];
    const [a, b] = [0, 1, 2].filter((axis) => axis !== through);
    const [p, q, r, s] = [m[3 * a], m[3 * a + 1], m[3 * b], m[3 * b + 1]];
    const [x, y] = [ijk[a] - m[3 * a + 2], ijk[b] - m[3 * b + 2]];
    const d = p * s - q * r;
    return [(s * x - q * y) / d, (p * y - r * x) / d];
  };

  medlabel.painters.push((pen, w, h, canvas) => {
    const name = canvas.dataset.view;
    const ijk = dragged || state().ml_cross;
    if (!state().ml_cross_shown || !ijk.length) return;
    const [u, v] = medlabel.toView(name, ijk);
    const m = state().ml_views[name].matrix;
    const [x, y] = [u * w, v * h];
    // which plane the upright line is the edge of: the one whose index changes along the width
    const across = [0, 1, 2].reduce((best, axis) => (Math.abs(m[3 * axis]) > Math.abs(m[3 * best]) ? axis : best));
    const down = [0, 1, 2].reduce((best, axis) => (Math.abs(m[3 * axis + 1]) > Math.abs(m[3 * best + 1]) ? axis : best));
    const line = (color, ...ends) => {
      pen.strokeStyle = color;
      pen.beginPath();
      for (const [x0, y0, x1, y1] of ends) {
        pen.moveTo(x0, y0);
        pen.lineTo(x1, y1);
      }
      pen.stroke();
    };
    pen.globalAlpha = 0.8;
    pen.lineWidth = 1;
    line(COLORS[across], [x, 0, x, y - GAP], [x, y + GAP, x, h]);
    line(COLORS[down], [0, y, x - GAP, y], [x + GAP, y, w, y]);
    pen.globalAlpha = 1;
  });

  const move = (drag, { ijk }) => {
    dragged = ijk;
    medlabel.repaintAll();
    medlabel.newest("cross", ["go_to", [ijk]]);
  };
  medlabel.tools.cross = {
    begin: (point) => {
      move(null, point);
      return {};
    },
    move,
    end: () => setTimeout(() => {
      dragged = null;
      medlabel.repaintAll();
    }, 400),
  };

  // by a voxel the way the arrow points on the screen; only while the crosshair is the tool
  const step = (right, down) => (event) => {
    const row = state().ml_views[medlabel.keyView(event)];
    if (state().ml_tool !== "cross" || !row || event.target.type === "range") return false;
    const along = [0, 3, 6].map((r) => row.matrix[r] * right + row.matrix[r + 1] * down);
    const axis = along.reduce((best, x, at) => (Math.abs(x) > Math.abs(along[best]) ? at : best), 0);
    medlabel.ask("step_cross", [axis, Math.sign(along[axis])]);
    return true;
  };
  medlabel.actions.unshift(
    ...[["left", -1, 0], ["right", 1, 0], ["up", 0, -1], ["down", 0, 1]].map(([way, right, down]) => (
      { id: "cross_" + way, title: "Crosshair one voxel " + way, group: "Crosshair", when: "cross", keys: ["Arrow" + way[0].toUpperCase() + way.slice(1)], run: step(right, down) })),
    { id: "cross_shown", title: "Show or hide the crosshair", group: "Crosshair", keys: ["X"], run: () => window.trame.state.set("ml_cross_shown", !state().ml_cross_shown) },
  );
})();
