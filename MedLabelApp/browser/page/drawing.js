// Pointer and wheel over the slice views. The page knows each view's matrix from its own fractions to voxels,
// so the cursor and the stroke are drawn here at once, and a stroke is sent in voxel coordinates.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  const state = () => window.trame.state.state;
  let drag = null;
  const shown = []; // strokes drawn here that the server's image does not show yet

  function toIjk(name, u, v) {
    const m = state().ml_views[name].matrix;
    return [0, 3, 6].map((r) => m[r] * u + m[r + 1] * v + m[r + 2]);
  }

  function fractions(canvas, event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  function pixelRadius(canvas, name) {
    return (state().ml_radius / state().ml_views[name].width) * canvas.clientWidth;
  }

  // -- what is drawn in the page itself ------------------------------------------------------------------

  function paint(canvas, cursor) {
    const ratio = devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    for (const stroke of shown) {
      if (stroke.view !== canvas.dataset.view || stroke.index !== state().ml_views[stroke.view].index) continue;
      pen.globalAlpha = 0.5;
      pen.strokeStyle = pen.fillStyle = stroke.color;
      pen.lineCap = pen.lineJoin = "round";
      pen.lineWidth = Math.max(1, 2 * stroke.radius);
      pen.beginPath();
      stroke.points.forEach(([u, v], at) => (at ? pen.lineTo(u * w, v * h) : pen.moveTo(u * w, v * h)));
      if (stroke.points.length === 1) pen.lineTo(stroke.points[0][0] * w + 0.01, stroke.points[0][1] * h);
      pen.stroke();
    }
    pen.globalAlpha = 1;
    const tool = state().ml_tool;
    if (cursor && (tool === "brush" || tool === "eraser")) {
      pen.lineWidth = 1;
      pen.strokeStyle = tool === "eraser" || cursor.erase ? "#ffb454" : "#ffffff";
      pen.beginPath();
      pen.arc(cursor.u * w, cursor.v * h, Math.max(1, pixelRadius(canvas, canvas.dataset.view)), 0, 7);
      pen.stroke();
    }
  }

  function repaintAll() {
    document.querySelectorAll(".ml-overlay").forEach((canvas) => paint(canvas, null));
  }

  medlabel.strokeDone = (stroke) => {
    // the server's image follows its answer within a few frames; until then the page's stroke stays
    setTimeout(() => {
      const at = shown.findIndex((other) => other.id === stroke.id);
      if (at >= 0) shown.splice(at, 1);
      repaintAll();
    }, 120);
  };

  medlabel.stopDrawing = () => {
    drag = null;
    repaintAll();
  };

  // -- strokes ---------------------------------------------------------------------------------------------

  function begin(canvas, event) {
    const name = canvas.dataset.view;
    const { ml_tool: tool, ml_selected: key, ml_objects: objects, ml_locked: locked } = state();
    const [u, v] = fractions(canvas, event);
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    const button = event.button;
    if (button === 1 || (button === 0 && tool === "pan")) return (drag = { kind: "pan", name, u, v });
    if (button === 2) return (drag = { kind: "zoom", name, u, v, at: [u, v] });
    if (button !== 0) return null;
    if (tool === "window") return (drag = { kind: "window", u, v, from: [...state().ml_window] });
    if (tool === "cross") {
      drag = { kind: "cross", name };
      return move(canvas, event);
    }
    if (locked) return medlabel.say("Read only: " + locked);
    if (!key) return medlabel.say("Choose an object first, or add one in the panel on the right.");
    const object = objects.find((other) => other.key === key);
    if (object && !object.visible) return medlabel.say(object.title + " is hidden; show it before drawing on it.");
    const erase = (tool === "eraser") !== event.shiftKey;
    const stroke = {
      id: crypto.randomUUID ? crypto.randomUUID() : String(performance.now()) + Math.random(),
      view: name,
      object: key,
      plane: state().ml_views[name].plane,
      index: state().ml_views[name].index,
      mode: erase ? "erase" : "add",
      radiusMm: state().ml_radius,
      radius: pixelRadius(canvas, name),
      color: erase ? "#000000" : object.color,
      points: [],
      path: [],
    };
    shown.push(stroke);
    drag = { kind: "stroke", name, stroke };
    return move(canvas, event);
  }

  function move(canvas, event) {
    const [u, v] = fractions(canvas, event);
    const name = canvas.dataset.view;
    if (!drag) return paint(canvas, { u, v, erase: event.shiftKey });
    if (drag.kind === "stroke") {
      const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const each of events.length ? events : [event]) {
        const [x, y] = fractions(canvas, each);
        drag.stroke.points.push([x, y]);
        drag.stroke.path.push(toIjk(name, x, y));
      }
      paint(canvas, { u, v, erase: drag.stroke.mode === "erase" });
    } else if (drag.kind === "pan") {
      latest("pan", (sum) => ["pan", [name, sum[0], sum[1]]], [u - drag.u, v - drag.v]);
      [drag.u, drag.v] = [u, v];
    } else if (drag.kind === "zoom") {
      latest("zoom", (sum) => ["zoom", [name, Math.exp(-2 * sum[0]), drag ? drag.at : [0.5, 0.5]]], [v - drag.v]);
      drag.v = v;
    } else if (drag.kind === "window") {
      const scale = Math.max(drag.from[1], 1);
      const width = drag.from[1] + (u - drag.u) * 2 * scale;
      const center = drag.from[0] + (v - drag.v) * 2 * scale;
      newest("window", ["set_window", [center, Math.max(width, scale / 1000)]]);
    } else if (drag.kind === "cross") {
      newest("cross", ["go_to", [toIjk(name, u, v)]]);
    }
    return null;
  }

  function end(canvas) {
    if (drag && drag.kind === "stroke") {
      const s = drag.stroke;
      medlabel.outbox.add({
        id: s.id, view: s.view, object: s.object, plane: s.plane, index: s.index, mode: s.mode,
        radius: s.radiusMm, path: s.path.map((p) => p.map((x) => Math.round(x * 1e4) / 1e4)),
      });
    }
    drag = null;
  }

  // -- calls that may be many: one is under way, and the next carries all that came meanwhile ------------------

  const calls = {};
  async function run(kind, call) {
    calls[kind].busy = true;
    try {
      await window.trame.trigger(...call());
    } finally {
      calls[kind].busy = false;
    }
    if (calls[kind].next) {
      const next = calls[kind].next;
      calls[kind].next = null;
      run(kind, next);
    }
  }
  function newest(kind, call) {
    calls[kind] = calls[kind] || {};
    if (calls[kind].busy) calls[kind].next = () => call;
    else run(kind, () => call);
  }
  function latest(kind, make, step) {
    const entry = (calls[kind] = calls[kind] || {});
    entry.sum = step.map((x, at) => x + ((entry.sum || [])[at] || 0));
    const call = () => {
      const sum = entry.sum;
      entry.sum = null;
      return make(sum);
    };
    if (entry.busy) entry.next = call;
    else run(kind, call);
  }

  // -- slices ------------------------------------------------------------------------------------------------

  const wanted = {};
  medlabel.go = (name, index) => {
    const count = state().ml_views[name].count;
    wanted[name] = Math.max(0, Math.min(count - 1, index));
    newest("go-" + name, ["go", [name, wanted[name]]]);
  };
  medlabel.step = (name, by) => {
    const view = state().ml_views[name];
    const base = calls["go-" + name] && calls["go-" + name].busy ? wanted[name] : view.index;
    medlabel.go(name, base + by);
  };

  let turned = 0;
  function wheel(canvas, event) {
    event.preventDefault();
    const name = canvas.dataset.view;
    if (event.ctrlKey) {
      const at = fractions(canvas, event);
      latest("zoom", (sum) => ["zoom", [name, Math.exp(-sum[0] / 400), at]], [event.deltaY]);
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
  on("pointermove", (canvas, event) => {
    medlabel.hover = canvas.dataset.view;
    const [u, v] = fractions(canvas, event);
    medlabel.readout && medlabel.readout(toIjk(canvas.dataset.view, u, v));
    move(canvas, event);
  });
  on("pointerup", end);
  on("pointercancel", end);
  on("pointerout", (canvas) => drag || paint(canvas, null));
  on("wheel", wheel, { passive: false });
  on("contextmenu", (canvas, event) => event.preventDefault());
  document.addEventListener("input", (event) => {
    if (event.target.classList.contains("ml-slider")) medlabel.go(event.target.dataset.view, Number(event.target.value));
  });
})();
