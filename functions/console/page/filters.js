// The filters of the gallery: their controls, and what they ask of the API.

import { find, make } from "./elements.js";
import { t } from "./strings.js";

/** The filter that the browser answers: the API does not know the favourites. */
export const FAVOURITES = "favourites";

const HOUR_MS = 3_600_000;
const STATUSES = ["submitted", "processing", "succeed", "failed", FAVOURITES];
const SPANS = { last_hour: HOUR_MS, last_day: 24 * HOUR_MS, last_week: 168 * HOUR_MS, last_month: 720 * HOUR_MS };
const TYPING_MS = 350;
const CONTROLS = { status: "by-status", time: "by-time", from: "from", until: "until", search: "search" };

/** Whether any filter is set. */
export const isFiltered = (where) => Boolean(where.status || where.time || where.search);

/** The parameters of the API's list. */
export function asked(where, pageSize) {
  const found = { pageNum: where.page, pageSize };
  if (where.search) found.search = where.search;
  if (where.status) found.task_status = where.status;
  if (where.time in SPANS) found.created_after = Date.now() - SPANS[where.time];
  if (where.time === "between") {
    if (where.from) found.created_after = new Date(`${where.from}T00:00`).getTime() - 1;
    if (where.until) found.created_before = new Date(`${where.until}T00:00`).getTime() + 24 * HOUR_MS;
  }
  if (where.search && Number(where.before)) found.created_before = Number(where.before);
  return found;
}

/** Shows the filters that the address names. */
export function show(where) {
  for (const [name, id] of Object.entries(CONTROLS)) {
    if (id !== "search" || find(id) !== document.activeElement) find(id).value = where[name] ?? "";
  }
  find("dates").hidden = where.time !== "between";
}

function fillSelect(id, any, names) {
  const { value } = find(id);
  find(id).replaceChildren(make("option", { value: "" }, t(any)), ...names.map((name) => make("option", { value: name }, t(name))));
  find(id).value = value;
}

/** Draws the choices again in the chosen language. */
export function redraw() {
  fillSelect("by-status", "any_status", STATUSES);
  fillSelect("by-time", "any_time", [...Object.keys(SPANS), "between"]);
}

function chosen() {
  const next = { page: 1 };
  for (const [name, id] of Object.entries(CONTROLS)) {
    if (find(id).value.trim()) next[name] = find(id).value.trim();
  }
  if (next.time !== "between") {
    delete next.from;
    delete next.until;
  }
  return next;
}

/** Starts the filters; `go(where)` is called after every change. */
export function start(go) {
  let typing;
  const changed = () => {
    clearTimeout(typing);
    go(chosen());
  };
  find("filters").addEventListener("change", (event) => event.target.id !== "search" && changed());
  find("filters").addEventListener("input", (event) => {
    if (event.target.id !== "search") return;
    clearTimeout(typing);
    typing = setTimeout(changed, TYPING_MS);
  });
  find("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    changed();
  });
}
