// Pointer and wheel over the slice views. The page knows each view's matrix from its own fractions to voxels.
// Tools add themselves to medlabel.tools: {name: {begin(point), move(drag, point), end(drag)}}, where begin
// returns what is dragged, and point is {canvas, name, event, u, v, ijk}. What a script draws over a view it
// adds to medlabel.painters: (pen, width, height, canvas, cursor).
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.tools = medlabel.tools || {};
  medlabel.painters = medlabel.painters || [];
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  let drag = null; // {tool, what}
  let under = {}; // the canvas under the pointer, and where on it

  medlabel.toIjk = (name, u, v) => {
    const m = state().ml_views[name].matrix;
    return [0, 3, 6].map((r) => m[r] * u + m[r + 1] * v + m[r + 2]);
  };

  medlabel.fractions = (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  // Whether the server knows this view as the page shows it: until it has heard of a new size its matrix
  // belongs to another form of the view, and what is drawn by it would lie beside the pointer.
  medlabel.inPlace = (canvas, name) => {
    const [columns, rows] = state().ml_views[name].size;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    return Math.abs(w * rows - h * columns) <= 2 * Math.max(w, h, columns, rows);
  };

  // -- what is drawn in the page itself ------------------------------------------------------------------

  medlabel.paint = (canvas, cursor) => {
    const ratio = devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    for (const painter of medlabel.painters) painter(pen, w, h, canvas, cursor);
  };

  medlabel.repaintAll = () => {
    document.querySelectorAll(".ml-overlay").forEach((canvas) => {
      if (state().ml_views[canvas.dataset.view]) medlabel.paint(canvas, canvas === under.canvas ? under.cursor : null);
    });
  };

  medlabel.stopDrawing = () => {
    // what was drawn until now is a stroke: it is kept and sent like any other
    end();
    medlabel.repaintAll();
  };

  // what is drawn over the views follows the page's variables
  const follow = () => {
    if (!window.trame || !window.trame.state.addListener) return void setTimeout(follow, 50);
    // painting takes the time that the next picture needs: what is not under the hand follows ten times a second
    let late = null;
    window.trame.state.addListener(() => {
      if (drag) return;
      requestAnimationFrame(() => {
        const name = under.canvas && under.canvas.dataset.view;
        if (name && under.canvas.isConnected && state().ml_views[name]) medlabel.paint(under.canvas, under.cursor);
      });
      late = late || setTimeout(() => {
        late = null;
        if (!drag) medlabel.repaintAll();
      }, 100);
    });
    addEventListener("resize", () => requestAnimationFrame(medlabel.repaintAll));
  };
  follow();

  // -- dragging --------------------------------------------------------------------------------------------

  medlabel.tools.pan = {
    begin: ({ u, v }) => ({ u, v }),
    move: (from, { name, u, v }) => {
      medlabel.summed("pan", (sum) => ["pan", [name, sum[0], sum[1]]], [u - from.u, v - from.v]);
      [from.u, from.v] = [u, v];
    },
  };
  const zoom = {
    begin: ({ u, v }) => ({ v, at: [u, v] }),
    move: (from, { name, v }) => {
      medlabel.summed("zoom", (sum) => ["zoom", [name, Math.exp(-2 * sum[0]), from.at]], [v - from.v]);
      from.v = v;
    },
  };

  function pointAt(canvas, event) {
    const name = canvas.dataset.view;
    const [u, v] = medlabel.fractions(canvas, event);
    return { canvas, name, event, u, v, ijk: medlabel.toIjk(name, u, v) };
  }

  function begin(canvas, event) {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    const tool = { 0: medlabel.tools[state().ml_tool], 1: medlabel.tools.pan, 2: zoom }[event.button];
    if (!tool) return;
    const what = tool.begin(pointAt(canvas, event));
    drag = what ? { tool, what } : null;
  }

  function move(canvas, event) {
    const point = pointAt(canvas, event);
    medlabel.hover = point.name;
    if (medlabel.readout) medlabel.readout(point.ijk);
    if (drag) drag.tool.move(drag.what, point);
    else {
      under = { canvas, cursor: { u: point.u, v: point.v, erase: event.shiftKey } };
      medlabel.paint(canvas, under.cursor);
    }
  }

  function end() {
    if (drag && drag.tool.end) drag.tool.end(drag.what);
    drag = null;
  }

  // -- slices ------------------------------------------------------------------------------------------------

  const wanted = {}; // per view: the slice that was asked for, and when
  medlabel.go = (name, index) => {
    const { count } = state().ml_views[name];
    wanted[name] = { index: Math.max(0, Math.min(count - 1, index)), at: performance.now() };
    medlabel.newest("go-" + name, ["go", [name, wanted[name].index]]);
  };
  medlabel.step = (name, by) => {
    if (!state().ml_views[name]) return;
    // the answer to a step comes before the page hears which slice that is
    const last = wanted[name];
    const isFresh = last && (medlabel.isBusy("go-" + name) || performance.now() - last.at < 400);
    medlabel.go(name, (isFresh ? last.index : state().ml_views[name].index) + by);
  };

  let turned = 0;
  function wheel(canvas, event) {
    event.preventDefault();
    const name = canvas.dataset.view;
    if (event.ctrlKey) {
      const at = medlabel.fractions(canvas, event);
      medlabel.summed("zoom", (sum) => ["zoom", [name, Math.exp(-sum[0] / 400), at]], [event.deltaY]);
      return;
    }
    turned += event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY;
    const steps = Math.trunc(turned / 50);
    if (steps) {
      turned -= steps * 50;
      medlabel.step(name, -Math.sign(steps) * Math.max(1, Math.floor(Math.abs(steps) / 2)));
    }
  }

  const overlay = (event) => event.target.closest && event.target.closest(".ml-overlay");
  const on = (kind, act, options) =>
    document.addEventListener(kind, (event) => {
      const canvas = overlay(event);
      if (canvas && !medlabel.broken && state().ml_views[canvas.dataset.view]) act(canvas, event);
    }, options);
  on("pointerdown", begin);
  on("pointermove", move);
  on("pointerup", end);
  on("pointercancel", end);
  on("pointerout", (canvas) => {
    under = {};
    if (!drag) medlabel.paint(canvas, null);
  });
  on("wheel", wheel, { passive: false });
  on("contextmenu", (canvas, event) => event.preventDefault());
  document.addEventListener("input", (event) => {
    if (event.target.classList.contains("ml-slider")) medlabel.go(event.target.dataset.view, Number(event.target.value));
  });

  const stepBy = (by) => (event) => event.target.type !== "range" && void medlabel.step(medlabel.keyView(event), by);
  medlabel.actions.push(
    { id: "fit", title: "Whole slices in all views", keys: ["F"], run: () => void medlabel.ask("fit") },
    { id: "next", title: "Next slice", keys: ["ArrowUp", "PageUp"], run: stepBy(1) },
    { id: "previous", title: "Previous slice", keys: ["ArrowDown", "PageDown"], run: stepBy(-1) },
  );
})();
