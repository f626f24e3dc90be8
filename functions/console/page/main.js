// Starts the page: signing in, the address, the language and the theme. Every other part is in its own file.

import * as api from "./api.js";
import * as compose from "./compose.js";
import { find, icon, make, say } from "./elements.js";
import * as gallery from "./gallery.js";
import * as images from "./images.js";
import * as draft from "./draft.js";
import * as deletions from "./deletions.js";
import { complaint } from "./messages.js";
import * as notices from "./notices.js";
import { reuse } from "./reuse.js";
import { switchLanguage, t, tag, translate } from "./strings.js";
import * as usage from "./usage.js";
import * as viewer from "./viewer.js";

const root = document.documentElement;
const buckets = document.querySelector("meta[name=kiln-buckets]").content.split(/\s+/);
const provider = document.querySelector("meta[name=kiln-provider]").content;
// A picture on another site is linked to, not loaded: the page sends requests to the stack alone.
const isOurs = (url) => buckets.some((origin) => url.startsWith(`${origin}/`));
const isSimulated = provider === "simulated";

/** The part of the address after its #: the page, the filters and the open task. */
function address() {
  const values = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return { ...values, page: Math.min(1000, Math.max(1, Math.round(Number(values.page)) || 1)) };
}

function write(next, replaced = false, state = null) {
  const values = new URLSearchParams(Object.entries(next).filter(([name, value]) => value !== undefined && value !== "" && !(name === "page" && value === 1)));
  const url = `${location.pathname}${location.search}${values.size ? `#${values}` : ""}`;
  history[replaced ? "replaceState" : "pushState"](state, "", url);
}

function showView(name) {
  root.dataset.view = name;
  for (const button of find("views").querySelectorAll("button")) {
    if (button.dataset.viewName === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  if (name === "usage") usage.load();
}

/** Shows a view, and records in the address whether it is the usage page. */
function goTo(name) {
  const { view, ...rest } = address();
  const isUsage = name === "usage";
  if (isUsage !== (view === "usage")) write(isUsage ? { ...rest, view: name } : rest);
  showView(name);
}

/** Opens the task that the address names, or closes the viewer. */
async function showTask({ task, image }) {
  if (!task) {
    viewer.hide();
    return;
  }
  const known = gallery.shown().find((each) => each.task_id === task);
  try {
    viewer.show(known ?? (await api.get(task)), Number(image) || 0);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) leave("key_expired");
    else {
      showLost(error.status === 404 ? t("task_gone", task) : complaint(error));
      close();
    }
  }
}

/** Says above the gallery why the task of a link is not shown. */
function showLost(text) {
  find("lost").hidden = false;
  find("lost").replaceChildren(make("p", {}, text), make("button", { type: "button", class: "quiet", onclick: () => { find("lost").hidden = true; } }, t("close")));
}

/** Fills the form with a task's request, and shows the form. */
async function useAgain(task) {
  if (!(await reuse(task, isOurs))) return;
  if (find("viewer").open) find("viewer").close();
  goTo("make");
  find("make").scrollTo({ top: 0 });
  find("prompt").focus();
}

const withoutTask = ({ task, image, ...rest }) => rest;
const ofGallery = ({ task, image, view, ...rest }) => rest;

function close() {
  if (!address().task) return;
  if (history.state?.opened) history.back();
  else write(withoutTask(address()), true);
}

function open(task, image) {
  const isOpen = Boolean(address().task);
  // One step back closes the viewer, however many pictures were shown in it.
  write({ ...address(), task: task.task_id, image }, isOpen, isOpen ? history.state : { opened: true });
  viewer.show(task, image);
}

let arrived = "";

/** Shows the page of the gallery that the address names, unless it is shown already. */
async function arrive() {
  const asked = ofGallery(address());
  if (arrived === JSON.stringify(asked)) return;
  arrived = JSON.stringify(asked);
  await gallery.arrive(asked);
}

function enter() {
  find("skeleton").hidden = true;
  find("sign-in").hidden = true;
  find("studio").hidden = false;
  find("sign-out").hidden = false;
  find("views").hidden = false;
  showView(address().view === "usage" ? "usage" : location.hash.length > 1 ? "pictures" : "make");
  arrived = "";
  compose.restore();
  arrive().then(() => showTask(address()));
}

function hideAll() {
  find("skeleton").hidden = true;
  deletions.finishAll();
  api.key.forget();
  viewer.hide();
  find("studio").hidden = true;
  find("sign-out").hidden = true;
  find("views").hidden = true;
}

function leave(reason) {
  hideAll();
  find("sign-in").hidden = false;
  showView("sign-in");
  find("key-error").textContent = reason ? t(reason) : "";
  find("key").value = "";
  find("key").focus();
}

async function signIn(event) {
  event.preventDefault();
  const key = find("key").value.trim();
  const fail = (text) => {
    find("key-error").textContent = text;
    find("key").setAttribute("aria-invalid", "true");
    find("key").focus();
  };
  if (!key) {
    fail(t("key_missing"));
    return;
  }
  // A header can hold printable characters only, and keys have no others.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    fail(t("key_unknown"));
    return;
  }
  try {
    await api.list({ pageNum: 1, pageSize: 1 }, key);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) fail(t("key_unknown"));
    else fail(complaint(error));
    return;
  }
  find("key").removeAttribute("aria-invalid");
  find("key").value = "";
  find("key-error").textContent = "";
  api.key.set(key);
  enter();
  find("make-title").scrollIntoView({ block: "nearest" });
  find("main").focus();
}

/** Signs in with a key from the address, and removes it from the address at once. A key that is signed in stays. */
function takeKeyFromAddress() {
  const { key, ...rest } = address();
  if (!key) return;
  write(rest, true);
  if (!api.key.get()) api.key.set(key);
  else if (api.key.get() !== key) say(t("key_kept"));
}

function showLanguage() {
  translate();
  find("cost").textContent = isSimulated ? t("cost_simulated") : t("cost_real", provider);
  find("language").textContent = t("other_language");
  find("language").lang = tag() === "en" ? "zh-Hans" : "en";
}

function paintTheme() {
  find("theme").replaceChildren(icon(window.kilnTheme.isDark() ? "sun" : "moon"));
}

showLanguage();
paintTheme();
find("simulated").hidden = !isSimulated;
find("sign-out").append(icon("out"));
takeKeyFromAddress();

compose.start((made, sent) => {
  const preview = (image) => image.file && URL.createObjectURL(image.file);
  goTo("pictures");
  if (sent.isEach) gallery.addedAll(made.tasks.map(({ job, task_id: id }) => [id, preview(sent.subjects[job - 1])]));
  else gallery.added({ ...made, prompt: sent.prompt }, preview(sent.subjects[0]));
});
gallery.start({
  open,
  reuse: useAgain,
  changed: viewer.changed,
  start: () => goTo("make"),
  went: (next) => {
    write(next);
    showView("pictures");
    arrive();
  },
});
deletions.start({ changed: gallery.decorate, deleted: gallery.load });
notices.start(say);
usage.start();
viewer.start({
  move: open,
  closed: close,
  tasks: gallery.shown,
  retried: gallery.added,
  reuse: useAgain,
  isOurs,
});

find("language").addEventListener("click", () => {
  switchLanguage();
  showLanguage();
  images.showAll();
  compose.refresh();
  gallery.redraw();
  usage.redraw();
  deletions.draw();
  viewer.redraw();
  notices.redraw();
});
find("theme").addEventListener("click", () => {
  window.kilnTheme.toggle();
  paintTheme();
});
window.kilnTheme.onChange(paintTheme);
find("skip").addEventListener("click", (event) => {
  event.preventDefault();
  find("main").focus();
});
find("sign-in-form").addEventListener("submit", signIn);
find("sign-out").addEventListener("click", async () => {
  hideAll();
  await draft.forget();
  // Reload, so that nothing of this caller stays in the page. The next one can sign in after that only.
  location.replace(location.pathname);
});
for (const button of find("views").querySelectorAll("button")) button.addEventListener("click", () => goTo(button.dataset.viewName));
document.addEventListener("kiln:signed-out", () => leave("key_expired"));
addEventListener("popstate", () => {
  const before = api.key.get();
  takeKeyFromAddress();
  if (!before && api.key.get()) enter();
  else if (before) {
    if (address().view === "usage") showView("usage");
    else if (root.dataset.view === "usage") showView("pictures");
    arrive().then(() => showTask(address()));
  }
});

if (api.key.get()) enter();
else leave();
