// The panel of objects.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});

  medlabel.newObject = async () => {
    const name = (window.trame.state.state.ml_new_class || "").trim();
    if (!name) return medlabel.say("Name the class of the new object.");
    const answer = await medlabel.ask("new_object", [name]);
    if (!answer.error) window.trame.state.set("ml_new_class", "");
    return null;
  };
})();
