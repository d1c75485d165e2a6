// A notice at the bottom of the page, which goes by itself.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});

  let toast = null;
  medlabel.say = (text) => {
    document.querySelectorAll(".ml-toast").forEach((old) => old.remove());
    const box = document.createElement("div");
    box.className = "ml-toast";
    box.setAttribute("role", "alert");
    box.textContent = text;
    document.body.appendChild(box);
    clearTimeout(toast);
    toast = setTimeout(() => box.remove(), 6000);
  };

  // call the server, and say what went wrong
  medlabel.ask = async (name, args) => {
    const answer = (await window.trame.trigger(name, args || [])) || {};
    if (answer.error) medlabel.say(answer.error);
    return answer;
  };
})();
