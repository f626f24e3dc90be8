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

export const keep = (draft) => run("readwrite", (store) => store.put(draft, STORE));
export const read = () => run("readonly", (store) => store.get(STORE));
export const forget = () => run("readwrite", (store) => store.clear());
