// The link to the server: when it breaks, drawing stops at once, the page says so, waits for the server to
// answer, and loads itself anew; what was not acknowledged is then sent by the outbox.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.broken = false;

  function overlay(text) {
    let box = document.querySelector(".ml-broken");
    if (!box) {
      box = document.createElement("div");
      box.className = "ml-broken";
      box.setAttribute("role", "alert");
      box.appendChild(document.createElement("div"));
      document.body.appendChild(box);
    }
    box.firstChild.textContent = text;
  }

  async function wait() {
    const strokes = medlabel.outbox.count;
    const kept = strokes ? ` ${strokes} stroke${strokes > 1 ? "s are" : " is"} kept here and will be sent.` : "";
    overlay(`NOT CONNECTED. The link to the server broke; drawing has stopped.${kept} Reconnecting…`);
    for (;;) {
      // also before the first try: what happened must stay long enough to be read
      await new Promise((resolve) => setTimeout(resolve, 800));
      try {
        const answer = await fetch(location.pathname, { cache: "no-store" });
        if (answer.ok) return location.reload();
        if (answer.status === 401 || answer.status === 410 || answer.status === 404) {
          overlay(
            "This workspace has ended" + (answer.status === 401 ? " (the server was started anew)" : "") +
              ". What was acknowledged is kept in the project." +
              (strokes ? ` ${strokes} stroke${strokes > 1 ? "s were" : " was"} not.` : "") +
              " Open the volume again from the address that the server prints.");
          return;
        }
      } catch (error) {
        console.info("the server does not answer yet", error);
      }
    }
  }

  function lost() {
    if (medlabel.broken || medlabel.leaving) return;
    medlabel.broken = true;
    medlabel.stopDrawing && medlabel.stopDrawing();
    medlabel.showSaved && medlabel.showSaved();
    wait();
  }

  addEventListener("pagehide", () => (medlabel.leaving = true));
  addEventListener("beforeunload", (event) => {
    if (medlabel.outbox.count && !medlabel.broken) event.preventDefault();
  });
  window.trame.addConnectListener(() => {
    window.trame.client.onConnectionClose(lost);
    window.trame.client.onConnectionError(lost);
  });
  addEventListener("offline", lost);
})();
