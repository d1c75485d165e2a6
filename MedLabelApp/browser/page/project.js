// The projects page: shows what /api/project describes, and opens what is clicked or dropped.
//
// {"name", "path_label", "opening"?: {"name", "shown"},
//  "datasets": [{"name", "volumes": [{"name", "dataset", "modality", "shape": [i, j, k], "spacing": [i, j, k],
//    "objects": [{"class", "color", "number"}], "tags": [text or {"name", "value"}], "status"}]}],
//  "deleted": [{"id", "volume": dataset/name}],
//  "arriving": [{"name", "percent", "message"}], "problems": [text]}

import { collectDropped, collectChosen, upload } from "./upload.js";

const POLL_MS = 2000;
const SHOWN_OBJECTS = 6;
const element = (id) => document.getElementById(id);

let etag = null;
let openingStarted = false;

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

// What went wrong, in one sentence, until the next thing is tried.
function say(text) {
  element("message").textContent = text;
  element("message").hidden = !text;
}

class RequestError extends Error {}

async function request(method, address, body) {
  let answer;
  try {
    answer = await fetch(address, { method, body: body && JSON.stringify(body) });
  } catch {
    throw new RequestError("MedLabel does not answer. Is it still running?");
  }
  if (answer.status === 401) {
    throw new RequestError("MedLabel was started again. Open the address that it printed this time.");
  }
  const result = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new RequestError(result.error || `MedLabel answered ${answer.status}.`);
  return result;
}

// The panel over the page while something is under way. Returns how to update and how to close it.
function busy(text, cancel) {
  const started = performance.now();
  const seconds = setInterval(() => {
    const passed = Math.floor((performance.now() - started) / 1000);
    if (passed >= 3 && !element("busy-detail").dataset.bytes) {
      element("busy-detail").textContent = `${passed} s. The first scan takes longest, while MedLabel starts.`;
    }
  }, 1000);
  element("busy-text").textContent = text;
  element("busy-detail").textContent = "";
  delete element("busy-detail").dataset.bytes;
  element("busy-progress").removeAttribute("value");
  element("busy-cancel").hidden = !cancel;
  element("busy-cancel").onclick = cancel || null;
  element("busy").hidden = false;
  document.querySelectorAll("header, main").forEach((part) => (part.inert = true));
  if (cancel) element("busy-cancel").focus();
  return {
    progress(sent, total) {
      element("busy-progress").max = total || 1;
      element("busy-progress").value = sent;
      element("busy-detail").dataset.bytes = "yes";
      element("busy-detail").textContent = `${megabytes(sent)} of ${megabytes(total)}`;
    },
    close() {
      clearInterval(seconds);
      element("busy").hidden = true;
      document.querySelectorAll("header, main").forEach((part) => (part.inert = false));
    },
  };
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

async function openWorkspace(what, name) {
  say("");
  const panel = busy(`Opening ${name}…`);
  try {
    const { address } = await request("POST", "/api/workspaces", what);
    location.assign(address);
  } catch (error) {
    panel.close();
    say(`${name} could not be opened: ${error.message}`);
  }
}

async function openFiles(files) {
  if (!files.length) return;
  say("");
  const name = files.length === 1 ? files[0].path : `${files.length} files`;
  const abort = new AbortController();
  const panel = busy(`Reading ${name}…`, () => abort.abort());
  try {
    const id = await upload(files, request, panel.progress, abort.signal);
    panel.close();
    await openWorkspace({ upload: id }, name);
  } catch (error) {
    panel.close();
    if (!abort.signal.aborted) say(`${name} could not be read: ${error.message}`);
  }
}

// Rendering

const trimmed = (number) => String(Number(number.toFixed(2)));

function objectsOf(volume) {
  const list = make("span", "objects");
  for (const object of volume.objects.slice(0, SHOWN_OBJECTS)) {
    const dot = make("span", "dot");
    dot.style.setProperty("background-color", object.color);
    list.append(make("span", "object", dot, `${object.class} #${object.number}`));
  }
  const more = volume.objects.length - SHOWN_OBJECTS;
  if (more > 0) list.append(make("span", "object quiet", `and ${more} more`));
  if (!volume.objects.length) list.append(make("span", "quiet", "no objects yet"));
  for (const tag of volume.tags) {
    const text = typeof tag === "string" ? tag : tag.value == null ? tag.name : `${tag.name}: ${tag.value}`;
    list.append(make("span", "tag", text));
  }
  return list;
}

function rowOf(volume) {
  const size = volume.shape.join("×");
  const spacing = `${volume.spacing.map(trimmed).join(" × ")} mm`;
  const row = make(
    "button",
    "volume",
    make("span", "volume-name", volume.name),
    make("span", "modality", volume.modality || ""),
    make("span", "grid", make("span", "", size), make("span", "quiet", spacing)),
    objectsOf(volume),
    make("span", "status", volume.status || ""),
  );
  row.type = "button";
  row.dataset.volume = `${volume.dataset}/${volume.name}`;
  const count = volume.objects.length === 1 ? "1 object" : `${volume.objects.length} objects`;
  row.setAttribute(
    "aria-label",
    [`Open ${volume.name}`, volume.modality, size, count, volume.status].filter(Boolean).join(", "),
  );
  row.addEventListener("click", () => openWorkspace({ volume: row.dataset.volume }, volume.name));
  const remove = make("button", "delete", "Delete");
  remove.type = "button";
  remove.title = "Can be brought back";
  remove.setAttribute("aria-label", `Delete ${volume.name}`);
  remove.addEventListener("click", () => deleteVolume(row.dataset.volume));
  return make("li", "", row, remove);
}

// Deleting, and bringing back

async function deleteVolume(label) {
  say("");
  try {
    const { id } = await request("POST", "/api/deleted", { volume: label });
    await refresh();
    say(`${label} was deleted. `);
    element("message").append(bringBackButton(id, label, "Undo"));
  } catch (error) {
    say(`${label} could not be deleted: ${error.message}`);
  }
}

async function bringBack(id, label) {
  say("");
  try {
    await request("DELETE", `/api/deleted/${encodeURIComponent(id)}`);
    await refresh();
  } catch (error) {
    say(`${label} could not be brought back: ${error.message}`);
  }
}

function bringBackButton(id, label, text) {
  const button = make("button", "", text);
  button.type = "button";
  button.setAttribute("aria-label", `${text}: ${label}`);
  button.addEventListener("click", () => bringBack(id, label));
  return button;
}

function deletedOf(volumes) {
  const list = make("ul", "");
  for (const { id, volume } of volumes) {
    list.append(make("li", "", make("span", "", volume), bringBackButton(id, volume, "Bring back")));
  }
  const title = make("h2", "", "Deleted", make("span", "quiet", "kept in the project, and can be brought back"));
  return [title, list];
}

function datasetOf(dataset) {
  const count = dataset.volumes.length === 1 ? "1 volume" : `${dataset.volumes.length} volumes`;
  const list = make("ul", "volumes", ...dataset.volumes.map(rowOf));
  const title = make("h2", "", dataset.name, make("span", "quiet", count));
  const section = make("section", "", title);
  section.setAttribute("aria-label", `Dataset ${dataset.name}`);
  section.append(dataset.volumes.length ? list : make("p", "quiet", "No volumes yet."));
  return section;
}

function arrivingOf(scan) {
  const bar = make("progress");
  bar.setAttribute("aria-label", scan.name);
  bar.max = 100;
  const known = Number.isFinite(scan.percent);
  if (known) bar.value = scan.percent;
  const line = make("div", "", make("span", "", scan.name), bar);
  line.append(make("span", "percent", known ? `${Math.round(scan.percent)} %` : ""));
  if (scan.message) line.append(make("span", "detail quiet", scan.message));
  return line;
}

function show(project) {
  document.title = project.name ? `${project.name} · MedLabel` : "MedLabel";
  element("name").textContent = project.name || "MedLabel";
  element("place").textContent = project.path_label || "";
  element("arriving").replaceChildren(...project.arriving.map(arrivingOf));
  element("arriving").hidden = !project.arriving.length;
  element("problems").replaceChildren(...project.problems.map((text) => make("p", "", text)));
  element("problems").hidden = !project.problems.length;
  const focused = document.activeElement?.dataset?.volume;
  element("datasets").replaceChildren(...project.datasets.map(datasetOf));
  element("deleted").replaceChildren(...(project.deleted?.length ? deletedOf(project.deleted) : []));
  element("deleted").hidden = !project.deleted?.length;
  if (focused) document.querySelector(`[data-volume="${CSS.escape(focused)}"]`)?.focus();
  if (project.opening) showOpening(project.opening);
}

// A scan named on the command line: opened at once the first time, offered afterwards.
function showOpening(opening) {
  if (!opening.shown && !openingStarted) {
    openingStarted = true;
    openWorkspace({ opening: true }, opening.name);
    return;
  }
  const again = make("button", "", `Open ${opening.name}`);
  again.type = "button";
  again.addEventListener("click", () => openWorkspace({ opening: true }, opening.name));
  element("datasets").prepend(again);
}

async function refresh() {
  let again = true;
  try {
    const answer = await fetch("/api/project", { headers: etag ? { "If-None-Match": etag } : {} });
    if (answer.status === 401) {
      say("MedLabel was started again. Open the address that it printed this time.");
      again = false;
    } else if (answer.status === 200) {
      etag = answer.headers.get("ETag");
      const project = await answer.json();
      show(project);
      again = project.arriving.length > 0;
      if (element("message").dataset.link) say("");
      delete element("message").dataset.link;
    } else if (answer.status !== 304) {
      const { error } = await answer.json().catch(() => ({}));
      say(error || `MedLabel answered ${answer.status}.`);
    }
  } catch {
    say("MedLabel does not answer. Is it still running?");
    element("message").dataset.link = "broken";
    etag = null;
  }
  if (again) setTimeout(refresh, POLL_MS);
}

// Dropping and choosing

let depth = 0;
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth += 1;
  element("drop").hidden = false;
});
addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth -= 1;
  element("drop").hidden = depth <= 0;
});
addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  element("drop").hidden = true;
  if (!element("busy").hidden) return;
  try {
    await openFiles(await collectDropped(event.dataTransfer));
  } catch (error) {
    say(`What was dropped could not be read: ${error.message}`);
  }
});

for (const kind of ["file", "folder"]) {
  element(`choose-${kind}`).addEventListener("click", () => element(kind).click());
  element(kind).addEventListener("change", async () => {
    const files = collectChosen(element(kind).files);
    element(kind).value = "";
    await openFiles(files);
  });
}

// Coming back from a workspace, the page may be the very one that was left, panel and all.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

refresh();
