// Follows the progress of running tasks: at growing intervals, two at a time, and not at all while the tab is hidden.

import * as api from "./api.js";

const FIRST_MS = 700;
const LAST_MS = 8_000;
const SLOWER = 1.25;
const AT_ONCE = 2;

const followed = new Map();
let asking = 0;
let timer;

/** Follows a task's progress; `onProgress` is called with every answer. */
export function follow(id, onProgress) {
  if (!followed.has(id)) followed.set(id, { id, onProgress, wait: FIRST_MS, due: performance.now() + FIRST_MS });
  plan();
}

/** Stops following a task. */
export function forget(id) {
  followed.delete(id);
}

function plan() {
  clearTimeout(timer);
  if (document.hidden || asking >= AT_ONCE || !followed.size) return;
  const idle = [...followed.values()].filter((each) => !each.busy);
  if (!idle.length) return;
  const next = idle.reduce((first, each) => (each.due < first.due ? each : first));
  timer = setTimeout(() => ask(next), Math.max(0, next.due - performance.now()));
}

async function ask(each) {
  if (document.hidden || !followed.has(each.id)) {
    plan();
    return;
  }
  asking += 1;
  each.busy = true;
  plan();
  try {
    const found = await api.progress(each.id);
    // After a new stage the intervals are short again.
    each.wait = found.stage === each.stage ? Math.min(LAST_MS, each.wait * SLOWER) : FIRST_MS;
    each.stage = found.stage;
    if (followed.has(each.id)) each.onProgress(found);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    each.wait = Math.max(LAST_MS, error.retryAfter * 1000);
    if (error.status === 404) followed.delete(each.id);
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
  } finally {
    asking -= 1;
    each.busy = false;
    each.due = performance.now() + each.wait;
    plan();
  }
}

document.addEventListener("visibilitychange", () => {
  for (const each of followed.values()) each.due = performance.now();
  plan();
});
