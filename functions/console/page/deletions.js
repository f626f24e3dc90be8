// Deleting tasks: a task is hidden at once and deleted ten seconds later, or when the page is left. Undo keeps it.

import * as api from "./api.js";
import { nameOf } from "./card.js";
import { find, make, say } from "./elements.js";
import * as favourites from "./favourites.js";
import { complaint } from "./messages.js";
import { t } from "./strings.js";

const UNDO_MS = 10_000;

const pending = new Map();
// A list may be older than a deletion, so a deleted task stays hidden.
const deleted = new Set();
let acts;

/** Whether a task is deleted, or is about to be. */
export const isHidden = (id) => pending.has(id) || deleted.has(id);

function row({ task }) {
  return make("p", {}, make("span", {}, t("deleted", nameOf(task))),
    make("button", { type: "button", class: "quiet", "aria-label": t("undo_of", nameOf(task)), onclick: () => undo(task) }, t("undo")));
}

/** Draws the line of each task that can be kept still. */
export function draw() {
  find("undo").replaceChildren(...[...pending.values()].map(row));
  acts.changed();
}

function remove(id) {
  const hadFocus = find("undo").contains(document.activeElement);
  clearTimeout(pending.get(id).timer);
  pending.delete(id);
  draw();
  if (hadFocus) (find("undo").querySelector("button") ?? find("main")).focus();
}

function undo(task) {
  remove(task.task_id);
  document.querySelector(`[data-id="${CSS.escape(task.task_id)}"] button`)?.focus();
}

async function finish(id) {
  deleted.add(id);
  remove(id);
  try {
    await api.remove(id);
    favourites.forget(id);
    acts.deleted();
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    // It is deleted already.
    if (error.status === 404) return;
    deleted.delete(id);
    acts.changed();
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    say(complaint(error));
  }
}

/** Hides a task, and deletes it in ten seconds. */
export function begin(task) {
  const id = task.task_id;
  pending.set(id, { task, timer: setTimeout(() => finish(id), UNDO_MS) });
  draw();
  find("undo").lastElementChild.querySelector("button").focus();
}

/** Deletes all that is hidden now: nothing can be undone after the page is left. */
export const finishAll = () => [...pending.keys()].forEach(finish);

/** Starts deletions; `given` holds `changed()`, for tasks to hide or to show, and `deleted()`. */
export function start(given) {
  acts = given;
  addEventListener("pagehide", finishAll);
}
