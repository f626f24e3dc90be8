// The draft of the form, kept in this browser until the person signs out: pictures and choices, never a key.

const DATABASE = "kiln";
const STORE = "draft";

let opening;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opening;
}

async function run(mode, act) {
  try {
    const store = (await open()).transaction(STORE, mode).objectStore(STORE);
    return await new Promise((resolve, reject) => {
      const asked = act(store);
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  } catch {
    // A private window or a full disk keeps no draft; the form works without one.
    return undefined;
  }
}

let isForgotten = false;

/** Keeps a draft, until the draft is forgotten: what was to be kept a moment later would outlast the person's visit. */
export const keep = (draft) => (isForgotten ? Promise.resolve() : run("readwrite", (store) => store.put(draft, STORE)));
export const read = () => run("readonly", (store) => store.get(STORE));

/** Forgets the draft; this page keeps no other one. */
export function forget() {
  isForgotten = true;
  return run("readwrite", (store) => store.clear());
}
