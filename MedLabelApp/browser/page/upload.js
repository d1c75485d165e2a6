// Files from a drop or a dialog, sent one by one, a few at a time, with their paths relative to the folder.

const AT_ONCE = 3;

// Everything in a drop, folders searched to the bottom: [{path, file}].
export async function collectDropped(transfer) {
  // Both are asked for before the first await: the drop's data is gone after it.
  const items = [...transfer.items].map((item) => [item.webkitGetAsEntry(), item.getAsFile()]);
  const found = [];
  for (const [entry, file] of items) {
    if (entry) await collectEntry(entry, found);
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}

export function collectChosen(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function collectEntry(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader gives a folder in parts, and an empty part at its end.
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return;
    for (const inner of part) await collectEntry(inner, found);
  }
}

// Send the files; resolves to the upload's id. progress(sent, total) is called with bytes.
export async function upload(files, request, progress, signal) {
  const { id } = await request("POST", "/api/uploads");
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  const waiting = [...files];
  let sent = 0;
  const failed = new AbortController();
  signal.addEventListener("abort", () => failed.abort());

  async function work() {
    while (waiting.length && !failed.signal.aborted) {
      const { path, file } = waiting.shift();
      const address = `/api/uploads/${id}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
      let before = 0;
      await put(address, file, failed.signal, (bytes) => {
        sent += bytes - before;
        before = bytes;
        progress(sent, total);
      });
    }
  }

  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } catch (error) {
    failed.abort();
    throw error;
  }
  if (signal.aborted) throw new Error("cancelled");
  return id;
}

// fetch reports no progress of what it sends; XMLHttpRequest does.
function put(address, file, signal, progress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("PUT", address);
    sending.upload.onprogress = (event) => progress(event.loaded);
    sending.onload = () => {
      if (sending.status < 300) {
        progress(file.size);
        resolve();
        return;
      }
      let reason = `MedLabel answered ${sending.status}`;
      try {
        reason = JSON.parse(sending.responseText).error || reason;
      } catch {
        // not JSON: the status says it
      }
      reject(new Error(reason));
    };
    sending.onerror = () => reject(new Error("the connection broke"));
    sending.onabort = () => reject(new Error("cancelled"));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}
