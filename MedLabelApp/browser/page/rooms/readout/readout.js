// What lies under the pointer: its place, its value and the objects there.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  const state = () => window.trame.state.state;

  let asking = false;
  let place = null;
  medlabel.readout = (ijk) => {
    place = ijk.map((x) => Math.floor(x + 0.5));
    if (!asking) ask();
  };
  medlabel.readoutText = (ijk, answer, unit) => {
    // as many places as tell values apart, and no more
    const digits = unit === "SUV" ? 2 : Number.isInteger(answer.value) ? 0 : 3;
    const value = answer.value === null ? "" : `${answer.value.toFixed(digits)} ${unit}`;
    const ras = answer.ras.map((x, axis) => `${"RAS"[axis]} ${x.toFixed(1)}`).join(" ");
    return [`IJK ${ijk.join(" ")}`, `${ras} mm`, value, answer.objects.join(", ")].filter(Boolean).join("   ");
  };
  async function ask() {
    asking = true;
    while (place) {
      const ijk = place;
      const shape = state().ml_shape;
      const box = document.getElementById("ml-readout");
      let text = "";
      if (ijk.every((n, axis) => n >= 0 && n < shape[axis])) {
        try {
          const answer = await window.trame.trigger("value_at", [ijk]);
          if (answer && answer.ras) text = medlabel.readoutText(ijk, answer, state().ml_unit);
        } catch (error) {
          console.warn("no readout", error);
          break;
        }
      }
      if (box) box.textContent = text;
      if (place === ijk) place = null;
    }
    asking = false;
  }
})();
