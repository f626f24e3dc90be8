// The gallery: one page of tasks, filtered by the API, and kept up to date while the page is visible.

import * as api from "./api.js";
import { Card, hasEnded, isCancelled } from "./card.js";
import { find, make, say } from "./elements.js";
import * as live from "./live.js";
import { complaint } from "./messages.js";
import { t } from "./strings.js";
import { ago, clock } from "./times.js";

const PAGE_SIZE = 24;
const LAST_PAGE = 1000;
const FIRST_REFRESH_MS = 8_000;
const LAST_REFRESH_MS = 60_000;
const HOUR_MS = 3_600_000;
const STATUSES = ["submitted", "processing", "succeed", "failed"];
const SPANS = { last_hour: HOUR_MS, last_day: 24 * HOUR_MS, last_week: 168 * HOUR_MS, last_month: 720 * HOUR_MS };
const TYPING_MS = 350;

const cards = new Map();
const previews = new Map();
let acts;
let where = { page: 1 };
let shownPage = null;
let isLast = true;
let wait = FIRST_REFRESH_MS;
let refreshing;
let latest = 0;

/** The tasks on the page, in their order. */
export const shown = () => [...find("tasks").children].map((element) => cards.get(element.dataset.id).task);

function filters() {
  const asked = { pageNum: where.page, pageSize: PAGE_SIZE };
  if (where.status) asked.task_status = where.status;
  if (where.time in SPANS) asked.created_after = Date.now() - SPANS[where.time];
  if (where.time === "between") {
    if (where.from) asked.created_after = new Date(`${where.from}T00:00`).getTime() - 1;
    if (where.until) asked.created_before = new Date(`${where.until}T00:00`).getTime() + 24 * HOUR_MS;
  }
  return asked;
}

const isFiltered = () => Boolean(where.status || where.time || where.id);

/** Lists the tasks that match the filters. An id is looked up whole at the API, and in part on the page. */
async function fetchTasks() {
  if (!where.id) return api.list(filters());
  const [exact, page] = await Promise.all([
    api.get(where.id).catch((error) => {
      if (error instanceof api.Refusal && (error.status === 404 || error.status === 400)) return null;
      throw error;
    }),
    api.list(filters()),
  ]);
  const fits = (task) => task.task_id.includes(where.id) || task.task_info.external_task_id.includes(where.id);
  return [...(exact ? [exact] : []), ...page.filter((task) => fits(task) && task.task_id !== exact?.task_id)];
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
  isLast = tasks.length < PAGE_SIZE || where.page >= LAST_PAGE || Boolean(where.id);
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
  decorate(tasks.length);
}

function add(task) {
  const card = new Card(task, { open: acts.open, retried: (made) => added(made), changed }, previews.get(task.task_id));
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
  if (isNews) say(task.task_status === "succeed" ? t("finished", task.task_result.images.length) : t(isCancelled(task) ? "cancelled" : "has_failed"));
  if (hasEnded(task)) live.forget(task.task_id);
  else live.follow(task.task_id, (progress) => advanced(task.task_id, progress));
  acts.changed(task);
}

/** Shows a new task at the top of the first page. */
export function added(task, preview) {
  if (preview) previews.set(task.task_id, preview);
  wait = FIRST_REFRESH_MS;
  if (where.page !== 1 || isFiltered()) {
    go({ page: 1 });
    return;
  }
  const whole = { task_status_msg: "", final_unit_deduction: "", watermark_info: { enabled: false }, task_result: { images: [] }, ...task };
  if (!cards.has(task.task_id)) find("tasks").prepend(add(whole).element);
  const over = [...find("tasks").children].slice(PAGE_SIZE);
  for (const element of over) remove(element.dataset.id, cards.get(element.dataset.id));
  decorate(cards.size);
  scrollToTop();
}

function decorate(count) {
  find("empty").hidden = count > 0;
  find("pager").hidden = (where.page === 1 && isLast) || Boolean(where.id);
  find("page").value = where.page;
  find("newer").disabled = where.page === 1;
  find("older").disabled = isLast;
  if (count) return;
  const isNone = isFiltered() || where.page > 1;
  find("empty").replaceChildren(...(isNone ? nothing() : welcome()));
}

function nothing() {
  const title = isFiltered() ? t("none_title") : t("none_page");
  const label = isFiltered() ? t("clear_filters") : t("first_page");
  return [make("h3", {}, title), where.id ? make("p", {}, t("none_id")) : "", make("button", { type: "button", class: "quiet", onclick: () => go({ page: 1 }) }, label)];
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
  find("by-status").value = where.status ?? "";
  find("by-time").value = where.time ?? "";
  find("dates").hidden = where.time !== "between";
  find("from").value = where.from ?? "";
  find("until").value = where.until ?? "";
  if (find("by-id") !== document.activeElement) find("by-id").value = where.id ?? "";
  return load();
}

function fillSelect(id, any, names) {
  const { value } = find(id);
  find(id).replaceChildren(make("option", { value: "" }, t(any)), ...names.map((name) => make("option", { value: name }, t(name))));
  find(id).value = value;
}

/** Draws the gallery again in the chosen language. */
export function redraw() {
  fillSelect("by-status", "any_status", STATUSES);
  fillSelect("by-time", "any_time", [...Object.keys(SPANS), "between"]);
  find("newer").replaceChildren(t("newer"));
  find("older").replaceChildren(t("older"));
  for (const card of cards.values()) card.draw();
  if (shownPage !== null) decorate(cards.size);
}

function tick() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-since]")) element.textContent = clock(Date.now() - element.dataset.since);
  for (const element of document.querySelectorAll("[data-ago]")) {
    const text = ago(Number(element.dataset.ago));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Starts the gallery; `given` holds `open(task, index)`, `start()`, `went(where)` and `changed(task)`. */
export function start(given) {
  acts = given;
  redraw();
  let typing;
  const asked = () => {
    const next = { page: 1 };
    for (const [name, id] of [["status", "by-status"], ["time", "by-time"], ["from", "from"], ["until", "until"], ["id", "by-id"]]) {
      if (find(id).value.trim()) next[name] = find(id).value.trim();
    }
    if (next.time !== "between") {
      delete next.from;
      delete next.until;
    }
    go(next);
  };
  find("filters").addEventListener("change", (event) => event.target.id !== "by-id" && asked());
  find("filters").addEventListener("input", (event) => {
    if (event.target.id !== "by-id") return;
    clearTimeout(typing);
    typing = setTimeout(asked, TYPING_MS);
  });
  find("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    asked();
  });
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
  setInterval(tick, 1000);
}

