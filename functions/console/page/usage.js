// The usage page: what the tasks of a month have cost, day by day, and what is left of this month's budget.

import * as api from "./api.js";
import { find, make } from "./elements.js";
import { complaint } from "./messages.js";
import { t } from "./strings.js";
import { amount, day, month } from "./times.js";

const COUNTS = ["images", "tasks", "failures"];

let known = null;
let monthsBack = 0;

/** The first moment of the month that is so many months back, in UTC. */
function begin(back) {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1);
}

const date = (moment) => new Date(moment).toISOString().slice(0, 10);

function share(part, whole) {
  const filled = make("i");
  filled.style.inlineSize = `${whole > 0 ? Math.min(100, Math.max(0, (100 * part) / whole)) : 0}%`;
  return make("span", { class: "share", "aria-hidden": "true" }, filled);
}

function budget(pack) {
  if (!pack) return [make("p", { class: "help" }, t("budget_none"))];
  const { total_quantity: whole, remaining_quantity: left, invalid_time: end } = pack;
  return [
    make("p", { class: left > 0 ? "left" : "left none" }, make("strong", {}, amount(left)), ` ${t("budget_left", amount(whole))}`),
    share(whole - left, whole),
    make("p", { class: "help" }, t(left > 0 ? "budget_until" : "budget_used", day(end))),
  ];
}

function table(rows) {
  const most = Math.max(...rows.map((row) => Number(row.units)));
  const head = ["day", "units", ...COUNTS].map((name) => make("th", { scope: "col" }, t(`usage_${name}`)));
  const body = rows.map((row) => make("tr", {},
    make("th", { scope: "row" }, day(row.day)),
    make("td", {}, share(Number(row.units), most), make("span", {}, amount(row.units))),
    ...COUNTS.map((name) => make("td", {}, amount(row[name])))));
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body.reverse()));
}

/** Draws the usage again in the chosen language. */
export function redraw() {
  find("usage-month").textContent = t("usage_month", month(begin(monthsBack)));
  find("month-after").disabled = monthsBack === 0;
  if (!known) return;
  const { rows, pack } = known;
  const total = (name) => rows.reduce((sum, row) => sum + Number(row[name]), 0);
  find("usage-found").replaceChildren(
    ...(monthsBack ? [] : [make("div", { class: "budget" }, ...budget(pack))]),
    make("dl", { class: "totals" }, ...["units", ...COUNTS].map((name) => make("div", {}, make("dt", {}, t(`usage_${name}`)), make("dd", {}, amount(total(name)))))),
    rows.length ? table(rows) : make("p", { class: "help" }, t("usage_none")),
  );
}

/** Loads the usage of the month and shows it. */
export async function load() {
  const back = monthsBack;
  redraw();
  try {
    const [rows, costs] = await Promise.all([api.usage(date(begin(back)), date(begin(back - 1) - 1)), api.costs()]);
    if (back !== monthsBack) return;
    known = { rows, pack: costs.resource_pack_subscribe_infos[0] };
    redraw();
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    find("usage-found").replaceChildren(make("div", { class: "trouble", role: "alert" }, make("p", {}, complaint(error)),
      make("button", { type: "button", class: "quiet", onclick: load }, t("try_again"))));
  }
}

function turn(months) {
  monthsBack += months;
  known = null;
  find("usage-found").replaceChildren();
  load();
}

/** Starts the usage page. */
export function start() {
  find("month-before").addEventListener("click", () => turn(1));
  find("month-after").addEventListener("click", () => turn(-1));
}
