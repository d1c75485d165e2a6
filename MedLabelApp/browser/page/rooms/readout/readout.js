// What lies under the pointer: its place and its value.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  const state = () => window.trame.state.state;

  let asked = false;
  let place = null;
  medlabel.readout = (ijk) => {
    place = ijk.map(Math.round);
    const shape = state().ml_shape;
    const box = document.getElementById("ml-readout");
    if (!box) return;
    if (!place.every((n, axis) => n >= 0 && n < shape[axis])) {
      place = null;
      box.textContent = "";
      return;
    }
    if (!asked) ask();
  };
  async function ask() {
    asked = true;
    while (place) {
      const ijk = place;
      place = null;
      const a = state().ml_affine;
      const ras = [0, 4, 8].map((r) => a[r] * ijk[0] + a[r + 1] * ijk[1] + a[r + 2] * ijk[2] + a[r + 3]);
      let value = "";
      try {
        const answer = await window.trame.trigger("value_at", [ijk]);
        if (answer && answer.value !== null && answer.value !== undefined)
          value = Math.round(answer.value * 1000) / 1000 + " " + (state().ml_unit || "");
      } catch (error) {
        break;
      }
      const box = document.getElementById("ml-readout");
      if (box) box.textContent = `IJK ${ijk.join(" ")}   RAS ${ras.map((x) => x.toFixed(1)).join(" ")} mm   ${value}`;
    }
    asked = false;
  }
})();
