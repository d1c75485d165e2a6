// Calls that may be many: one is under way, and the next carries all that came meanwhile.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
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

  // of the calls [name, args] of a kind that wait, only the newest is sent
  medlabel.newest = (kind, call) => {
    calls[kind] = calls[kind] || {};
    if (calls[kind].busy) calls[kind].next = () => call;
    else run(kind, () => call);
  };

  // the steps (lists of numbers) of a kind that wait are summed, and make(sum) gives the call
  medlabel.summed = (kind, make, step) => {
    const entry = (calls[kind] = calls[kind] || {});
    entry.sum = step.map((x, at) => x + ((entry.sum || [])[at] || 0));
    const call = () => {
      const sum = entry.sum;
      entry.sum = null;
      return make(sum);
    };
    if (entry.busy) entry.next = call;
    else run(kind, call);
  };

  medlabel.isBusy = (kind) => Boolean(calls[kind] && calls[kind].busy);
})();
