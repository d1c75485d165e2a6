// The way from volume to volume, and the state of the work on the open one.
(function () {
  "use strict";
  const medlabel = (window.medlabel = window.medlabel || {});
  medlabel.actions = medlabel.actions || [];
  const state = () => window.trame.state.state;
  let leaving = false;

  // Open another volume of the project in this window. Strokes that are under way arrive first.
  medlabel.openVolume = async (label) => {
    if (!label || leaving) return;
    leaving = true;
    medlabel.say(`Opening ${label}…`);
    try {
      for (let tries = 0; medlabel.outbox.count && tries < 50; tries++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      if (medlabel.outbox.count) return medlabel.say("The last stroke is not saved yet; the volume stays open.");
      const answer = await fetch("/api/workspaces", { method: "POST", body: JSON.stringify({ volume: label }) });
      const result = await answer.json().catch(() => ({}));
      if (!answer.ok) return medlabel.say(`${label} could not be opened: ${result.error || answer.status}`);
      location.assign(result.address);
    } catch (error) {
      medlabel.say(`${label} could not be opened: MedLabel does not answer.`);
    } finally {
      leaving = false;
    }
  };

  medlabel.setWork = (changes) => medlabel.ask("set_work", [changes]);

  // a rejection says why: where no remark stands yet, it is asked for in the panel
  medlabel.setStatus = async (select) => {
    const answer = await medlabel.setWork({ status: select.value });
    if (!answer.error) return;
    select.value = state().ml_work.status;
    window.trame.state.set("ml_panel", "volumes");
  };

  medlabel.putTag = async () => {
    const { ml_new_tag: name, ml_new_tag_value: value } = state();
    const answer = await medlabel.ask("put_volume_tag", [name, value]);
    if (answer.error) return;
    window.trame.state.set("ml_new_tag", "");
    window.trame.state.set("ml_new_tag_value", "");
  };

  medlabel.actions.push(
    { id: "previous-volume", title: "Previous volume", group: "Volumes", keys: ["Alt+ArrowLeft"], run: () => { medlabel.openVolume(state().ml_volumes.before); } },
    { id: "next-volume", title: "Next volume", group: "Volumes", keys: ["Alt+ArrowRight"], run: () => { medlabel.openVolume(state().ml_volumes.after); } },
  );
})();
