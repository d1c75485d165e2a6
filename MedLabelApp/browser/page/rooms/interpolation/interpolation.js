// The Interpolate panel's keys, and the strip of gaps along the slice sliders: how wrong the preview may be in
// each, and a mark at the slice to draw next.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.painters = medlabel.painters || [];
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  const worst = 0.2; // an expected error from which on a gap is shown in full warning

  medlabel.interpolate = () => medlabel.ask(state().ml_interp.open ? "interp_cancel" : "interp_open");

  medlabel.interpolateObject = (key, wanted) => {
    const others = state().ml_interp.objects.filter((other) => other !== key);
    return medlabel.ask("interp_objects", [wanted ? [...others, key] : others]);
  };

  medlabel.goToGap = (gap) => {
    const views = state().ml_views;
    const name = Object.keys(views).find((one) => views[one].plane === state().ml_interp.axis);
    if (name) medlabel.go(name, Math.round((gap.from + gap.to) / 2));
  };

  medlabel.errorColor = (error) => {
    if (error === null || error === undefined) return "#4a5058";
    const share = Math.min(1, error / worst);
    const mixed = [90, 169, 230].map((low, at) => Math.round(low + ([255, 180, 84][at] - low) * share));
    return `rgb(${mixed.join(",")})`;
  };

  medlabel.painters.push((pen, w, h, canvas) => {
    const { ml_interp: now, ml_views: views } = state();
    const view = views[canvas.dataset.view];
    if (!now || !now.open || !view || view.plane !== now.axis) return;
    // just above the slider and what it says of the slices
    const track = canvas.parentElement.querySelector(".ml-track");
    if (!track) return;
    const [place, frame] = [track.getBoundingClientRect(), canvas.getBoundingClientRect()];
    const left = place.left - frame.left + 10;
    const x = (index) => left + (index / Math.max(1, view.count - 1)) * (place.width - 20);
    const y = place.bottom - frame.top - 33;
    // where several objects are interpolated, those of the chosen one
    const one = now.objects.includes(state().ml_selected) ? state().ml_selected : now.objects[0];
    for (const gap of now.gaps.filter((each) => each.object === one)) {
      pen.globalAlpha = gap.choice === "leave" ? 0.3 : 0.95;
      pen.fillStyle = medlabel.errorColor(gap.error);
      pen.fillRect(x(gap.from - 0.5), y, Math.max(2, x(gap.to + 0.5) - x(gap.from - 0.5)), 5);
    }
    pen.globalAlpha = 1;
    if (now.next && now.next.plane === view.plane) {
      const at = x(now.next.index);
      pen.fillStyle = "#ffb454";
      pen.beginPath();
      pen.moveTo(at, y - 2);
      pen.lineTo(at - 5, y - 11);
      pen.lineTo(at + 5, y - 11);
      pen.fill();
    }
  });

  let drawn = "";
  setInterval(() => {
    if (!window.trame || !state().ml_interp) return;
    const now = JSON.stringify(state().ml_interp);
    if (now !== drawn && medlabel.repaintAll) medlabel.repaintAll();
    drawn = now;
  }, 100);

  medlabel.strokeFollowers = medlabel.strokeFollowers || [];
  medlabel.strokeFollowers.push((stroke) => {
    if (state().ml_interp.open && state().ml_interp_live) medlabel.newest("follow", ["interp_follow", [stroke()]]);
  });

  const whenOpen = (act) => () => (state().ml_interp.open ? void act() : false);
  medlabel.actions.push(
    { id: "interpolate", group: "Interpolation", title: "Interpolate, or cancel that", keys: ["Ctrl+I"], run: () => void medlabel.interpolate() },
    { id: "interpolate-apply", group: "Interpolation", title: "Apply the interpolation", keys: ["Ctrl+Enter"], run: whenOpen(() => medlabel.ask("interp_apply")) },
    { id: "interpolate-next", group: "Interpolation", title: "Next slice to draw", keys: ["J"], run: whenOpen(() => medlabel.ask("interp_next")) },
  );
})();
