// The favourites: ids of tasks, kept in this browser.

const STORAGE_NAME = "kiln-favourites";
const MOST = 1000;

function read() {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_NAME)) ?? [];
  } catch {
    return [];
  }
}

/** The ids of the favourites, the newest first. */
export const all = read;

/** Whether a task is a favourite. */
export const has = (id) => read().includes(id);

/** Forgets a task that is deleted. */
export const forget = (id) => has(id) && toggle(id);

/** Makes a task a favourite, or no longer one. Returns whether it is one now. */
export function toggle(id) {
  const others = read().filter((each) => each !== id);
  const isOne = others.length === read().length;
  localStorage.setItem(STORAGE_NAME, JSON.stringify((isOne ? [id, ...others] : others).slice(0, MOST)));
  return isOne;
}
