// The brush and the eraser. Cursor and stroke are drawn here at once; the stroke is sent in voxel coordinates.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.tools = medlabel.tools || {};
  medlabel.painters = medlabel.painters || [];
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  // who follows a stroke while it is drawn: called with what gives it as it is sent
  medlabel.strokeFollowers = medlabel.strokeFollowers || [];
  const shown = []; // strokes drawn here that the server's image does not show yet

  function pixelRadius(canvas, name) {
    return (state().ml_radius / state().ml_views[name].width) * canvas.clientWidth;
  }

  medlabel.painters.push((pen, w, h, canvas, cursor) => {
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
  });

  medlabel.strokeDone = (stroke) => {
    // the server's image follows its answer within a few frames; until then the page's stroke stays
    setTimeout(() => {
      const at = shown.findIndex((other) => other.id === stroke.id);
      if (at >= 0) shown.splice(at, 1);
      medlabel.repaintAll();
    }, 120);
  };

  function begin({ canvas, name, event }) {
    const { ml_tool: tool, ml_selected: key, ml_objects: objects, ml_locked: locked } = state();
    if (locked) return medlabel.say("Read only: " + locked);
    if (state().ml_preview.entry) return medlabel.say("An earlier state is shown. Esc ends that; then draw.");
    if (!medlabel.inPlace(canvas, name)) return medlabel.say("The view is changing its size; draw again in a moment.");
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
    const drag = { stroke };
    move(drag, { canvas, name, event });
    return drag;
  }

  function move(drag, { canvas, name, event }) {
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of events.length ? events : [event]) {
      const [x, y] = medlabel.fractions(canvas, each);
      drag.stroke.points.push([x, y]);
      drag.stroke.path.push(medlabel.toIjk(name, x, y));
    }
    const [u, v] = medlabel.fractions(canvas, event);
    medlabel.paint(canvas, { u, v, erase: drag.stroke.mode === "erase" });
    for (const follow of medlabel.strokeFollowers) follow(() => toSend(drag.stroke));
  }

  const toSend = (s) => ({
    id: s.id, view: s.view, object: s.object, plane: s.plane, index: s.index, mode: s.mode,
    radius: s.radiusMm, path: s.path.map((p) => p.map((x) => Math.round(x * 1e4) / 1e4)),
  });

  function end({ stroke }) {
    medlabel.outbox.add(toSend(stroke));
  }

  medlabel.tools.brush = medlabel.tools.eraser = { begin, move, end };

  const resize = (factor) => () =>
    window.trame.state.set("ml_radius", Math.min(60, Math.max(0.5, state().ml_radius * factor)));
  medlabel.actions.push(
    { id: "smaller", title: "Smaller brush", keys: ["["], run: resize(1 / 1.2) },
    { id: "larger", title: "Larger brush", keys: ["]"], run: resize(1.2) },
  );
})();
