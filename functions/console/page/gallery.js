// The gallery: one page of tasks, filtered by the API, and kept up to date while the page is visible.

import * as api from "./api.js";
import { Card, guessed, hasEnded, isCancelled, nameOf, stageText } from "./card.js";
import * as deletions from "./deletions.js";
import { find, make, say } from "./elements.js";
import * as favourites from "./favourites.js";
import * as filters from "./filters.js";
import * as live from "./live.js";
import { complaint } from "./messages.js";
import * as notices from "./notices.js";
import { t } from "./strings.js";
import { ago, clock } from "./times.js";

const PAGE_SIZE = 24;
const LAST_PAGE = 1000;
const FIRST_REFRESH_MS = 8_000;
const LAST_REFRESH_MS = 60_000;

const cards = new Map();
const previews = new Map();
let acts;
let where = { page: 1 };
let shownPage = null;
let isLast = true;
let older = null;
let wait = FIRST_REFRESH_MS;
let refreshing;
let latest = 0;

/** The tasks on the page, in their order. */
export const shown = () => [...find("tasks").children].filter((element) => !element.hidden).map((element) => cards.get(element.dataset.id).task);

/** The favourites of one page; a task that is no longer stored is left out. */
async function fetchFavourites() {
  const ids = favourites.all().slice((where.page - 1) * PAGE_SIZE, where.page * PAGE_SIZE);
  const found = await Promise.allSettled(ids.map((id) => api.get(id)));
  const failed = found.find((each) => each.reason && each.reason.status !== 404);
  if (failed) throw failed.reason;
  const tasks = found.filter((each) => each.value).map((each) => each.value);
  return Object.assign(tasks, { isLast: ids.length < PAGE_SIZE });
}

/** Lists the tasks that match the filters. A whole id that no recent task has is looked up by itself. */
async function fetchTasks() {
  if (where.status === filters.FAVOURITES) return fetchFavourites();
  const tasks = await api.list(filters.asked(where, PAGE_SIZE));
  if (tasks.length || !tasks.createdBefore || /\s/.test(where.search)) return tasks;
  const exact = await api.get(where.search).catch((error) => {
    if (error instanceof api.Refusal && (error.status === 404 || error.status === 400)) return null;
    throw error;
  });
  return exact ? [exact] : tasks;
}

/** Loads the page of the gallery. */
export async function load() {
  clearTimeout(refreshing);
  latest += 1;
  const mine = latest;
  if (where.page !== shownPage) find("tasks").setAttribute("aria-busy", "true");
  try {
    const tasks = await fetchTasks();
    if (mine !== latest) return;
    find("trouble").hidden = true;
    show(tasks);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (mine === latest) complain(error);
  } finally {
    if (mine === latest) find("tasks").removeAttribute("aria-busy");
  }
  if (mine === latest) refreshLater();
}

// New tasks arrive through other channels too, and they appear on the first page alone.
function refreshLater() {
  clearTimeout(refreshing);
  if (document.hidden || where.page !== 1 || find("studio").hidden) return;
  refreshing = setTimeout(load, wait);
  wait = Math.min(LAST_REFRESH_MS, wait * 1.5);
}

function complain(error) {
  if (error.status === 401) {
    document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    return;
  }
  // Only the first page refreshes by itself.
  const unreachable = where.page === 1 ? "unreachable" : "unreachable_now";
  find("trouble").hidden = false;
  find("trouble").replaceChildren(
    make("p", {}, complaint(error, unreachable)),
    make("button", { type: "button", class: "quiet", onclick: load }, t("try_again")),
  );
}

function show(tasks) {
  const list = find("tasks");
  const isFirst = shownPage !== where.page;
  shownPage = where.page;
  isLast = (tasks.isLast ?? tasks.length < PAGE_SIZE) || where.page >= LAST_PAGE;
  older = tasks.createdBefore ?? null;
  const wanted = new Set(tasks.map((task) => task.task_id));
  for (const [id, card] of cards) if (!wanted.has(id)) remove(id, card);
  tasks.forEach((task, at) => {
    const card = cards.get(task.task_id);
    if (card) changed(task);
    else add(task);
    const { element } = cards.get(task.task_id);
    // Only elements in the wrong position are moved, as moving an element takes its focus away.
    if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null);
  });
  if (isFirst) scrollToTop();
  decorate();
}

function add(task) {
  const card = new Card(task, { open: acts.open, reuse: acts.reuse, remove: deletions.begin, retried: (made) => added(made), changed }, previews.get(task.task_id));
  cards.set(task.task_id, card);
  if (!hasEnded(task)) live.follow(task.task_id, (progress) => advanced(task.task_id, progress));
  return card;
}

function remove(id, card) {
  live.forget(id);
  card.element.remove();
  cards.delete(id);
}

async function advanced(id, progress) {
  const card = cards.get(id);
  if (progress.stage !== "succeed" && progress.stage !== "failed") {
    card?.advance(progress);
    showRunning();
    return;
  }
  live.forget(id);
  try {
    changed(await api.get(id));
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    // The next refresh of the list shows the end of the task.
    complain(error);
  }
}

function changed(task) {
  const card = cards.get(task.task_id);
  if (!card) return;
  const isNews = hasEnded(task) && !hasEnded(card.task);
  card.update(task);
  if (isNews) {
    const text = task.task_status === "succeed" ? t("finished", task.task_result.images.length) : t(isCancelled(task) ? "cancelled" : "has_failed");
    say(text);
    notices.ended(`${text} ${nameOf(task)}`, task.task_id, () => acts.open(task, 0));
  }
  showRunning();
  if (hasEnded(task)) live.forget(task.task_id);
  else live.follow(task.task_id, (progress) => advanced(task.task_id, progress));
  acts.changed(task);
}

/** Shows a new task at the top of the first page. */
export function added(task, preview) {
  if (preview) previews.set(task.task_id, preview);
  wait = FIRST_REFRESH_MS;
  if (where.page !== 1 || filters.isFiltered(where)) {
    go({ page: 1 });
    return;
  }
  const whole = { task_status_msg: "", final_unit_deduction: "", watermark_info: { enabled: false }, task_result: { images: [] }, ...task };
  if (!cards.has(task.task_id)) find("tasks").prepend(add(whole).element);
  const over = [...find("tasks").children].slice(PAGE_SIZE);
  for (const element of over) remove(element.dataset.id, cards.get(element.dataset.id));
  decorate();
  scrollToTop();
}

/** Shows the tasks of a new batch; `made` has pairs of their ids and previews. */
export function addedAll(made) {
  for (const [id, preview] of made) if (preview) previews.set(id, preview);
  wait = FIRST_REFRESH_MS;
  if (where.page !== 1 || filters.isFiltered(where)) go({ page: 1 });
  else load().then(scrollToTop);
}

function showRunning() {
  const running = [...cards.values()].filter((card) => !hasEnded(card.task));
  notices.showRunning(running.map((card) => stageText(card.progress ?? guessed(card.task))));
}

/** Draws what depends on the cards together, and hides those of deleted tasks. */
export function decorate() {
  if (shownPage === null) return;
  for (const [id, card] of cards) card.element.hidden = deletions.isHidden(id);
  const count = shown().length;
  showRunning();
  find("empty").hidden = count > 0;
  find("pager").hidden = where.page === 1 && isLast;
  find("searched").hidden = !older;
  if (older) find("searched").replaceChildren(make("p", {}, t("searched")), make("button", { type: "button", class: "quiet framed", onclick: () => go({ ...where, page: 1, before: older }) }, t("search_older")));
  find("page").value = where.page;
  find("newer").disabled = where.page === 1;
  find("older").disabled = isLast;
  if (count) return;
  const isNone = filters.isFiltered(where) || where.page > 1;
  find("empty").replaceChildren(...(isNone ? nothing() : welcome()));
}

function nothing() {
  const title = filters.isFiltered(where) ? t("none_title") : t("none_page");
  const label = filters.isFiltered(where) ? t("clear_filters") : t("first_page");
  return [make("h3", {}, title), make("button", { type: "button", class: "quiet", onclick: () => go({ page: 1 }) }, label)];
}

function welcome() {
  const start = () => {
    acts.start();
    find("add-subjects")?.click();
  };
  return [
    make("div", { class: "plates", "aria-hidden": "true" }, make("i"), make("i"), make("i")),
    make("h3", {}, t("empty_title")),
    make("ol", {}, ...t("empty_steps").map((step) => make("li", {}, step))),
    make("button", { type: "button", class: "primary", onclick: start }, t("empty_start")),
  ];
}

function scrollToTop() {
  const top = find("pictures").getBoundingClientRect().top;
  if (top < 0) find("pictures").scrollIntoView({ block: "start" });
}

/** Goes to another page or other filters, and records them in the address. */
export function go(next) {
  acts.went(next);
}

/** Shows the page and filters that the address names. */
export function arrive(next) {
  where = next;
  wait = FIRST_REFRESH_MS;
  filters.show(where);
  return load();
}

/** Draws the gallery again in the chosen language. */
export function redraw() {
  filters.redraw();
  find("newer").replaceChildren(t("newer"));
  find("older").replaceChildren(t("older"));
  for (const card of cards.values()) card.draw();
  decorate();
}

function tick() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-since]")) element.textContent = clock(Date.now() - element.dataset.since);
  for (const element of document.querySelectorAll("[data-ago]")) {
    const text = ago(Number(element.dataset.ago));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Starts the gallery; `given` holds `open(task, index)`, `reuse(task)`, `start()`, `went(where)` and `changed(task)`. */
export function start(given) {
  acts = given;
  redraw();
  filters.start(go);
  find("newer").addEventListener("click", () => go({ ...where, page: where.page - 1 }));
  find("older").addEventListener("click", () => go({ ...where, page: where.page + 1 }));
  find("page").addEventListener("change", () => {
    const page = Math.round(Number(find("page").value));
    go({ ...where, page: Math.min(LAST_PAGE, Math.max(1, page || 1)) });
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(refreshing);
    else if (!find("studio").hidden) {
      wait = FIRST_REFRESH_MS;
      load();
    }
  });
  addEventListener("online", () => find("studio").hidden || load());
  setInterval(tick, 1000);
}

