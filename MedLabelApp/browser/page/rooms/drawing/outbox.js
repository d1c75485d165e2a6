// Strokes that the server has not acknowledged. They stay here, also over a reload of the page, until it
// has; each carries an id for good, so that one which is sent twice is drawn once.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  const place = "medlabel-outbox:" + location.pathname;
  const AGAIN_MS = 2000;
  let waiting = JSON.parse(sessionStorage.getItem(place) || "[]");
  let sending = false;

  function keep() {
    sessionStorage.setItem(place, JSON.stringify(waiting));
    medlabel.showSaved && medlabel.showSaved();
  }

  async function send() {
    if (sending || medlabel.broken) return;
    sending = true;
    try {
      while (waiting.length && !medlabel.broken) {
        const answer = await window.trame.trigger("draw", [waiting[0]]);
        if (!answer) return;
        if (answer.again) {
          medlabel.say && medlabel.say(answer.error + " The stroke is kept here and sent again.");
          setTimeout(send, AGAIN_MS);
          return;
        }
        const done = waiting.shift();
        keep();
        if (answer.error && medlabel.say) medlabel.say(answer.error);
        medlabel.strokeDone && medlabel.strokeDone(done);
      }
    } catch (error) {
      // the link broke under way: whether the server had the stroke is settled by sending it again
      console.warn("a stroke was not acknowledged", error);
    } finally {
      sending = false;
    }
  }

  medlabel.outbox = {
    add(stroke) {
      waiting.push(stroke);
      keep();
      send();
    },
    send,
    get count() {
      return waiting.length;
    },
  };
  send();
})();
