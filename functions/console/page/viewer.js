// One task in full: one large image, and beside it the source pictures, the timeline and the details.

import * as api from "./api.js";
import { hasEnded, isCancelled, nameOf, retry, save, starOf } from "./card.js";
import * as deletions from "./deletions.js";
import * as download from "./download.js";
import { find, float, icon, make, say } from "./elements.js";
import { complaint, explained } from "./messages.js";
import { t } from "./strings.js";
import { moment, span } from "./times.js";

let task = null;
let at = 0;
let acts;
let stage;
let side;
let opener = null;
let openerId = null;

const imagesOf = () => task.task_result.images;

function control(label, drawn, act, more = {}) {
  return make("button", { type: "button", class: "round", "aria-label": label, title: label, onclick: act, ...more }, icon(drawn));
}

function zoom(on = !stage.classList.contains("actual")) {
  stage.classList.toggle("actual", on);
  // At actual size it can have the focus, so that the arrow keys scroll it.
  stage.tabIndex = on ? 0 : -1;
  const button = find("viewer").querySelector(".zoom");
  const label = on ? t("whole_picture") : t("actual_size");
  button?.setAttribute("aria-pressed", String(on));
  if (button) Object.assign(button, { title: label, ariaLabel: label });
  if (on) stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
}

async function saveOne() {
  try {
    await download.one(task, imagesOf()[at]);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    say(t("save_failed", error.message));
  }
}

async function copied(write, what) {
  try {
    await write();
    say(t(`${what}_copied`));
  } catch {
    say(t(`${what}_not_copied`));
  }
}

/** The picture as PNG, the one format that clipboards take. */
async function png() {
  const blob = await api.picture(imagesOf()[at].url);
  if (blob.type === "image/png") return blob;
  const drawn = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(drawn.width, drawn.height);
  canvas.getContext("2d").drawImage(drawn, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

const copyPicture = () => copied(() => navigator.clipboard.write([new ClipboardItem({ "image/png": png() })]), "picture");
const copyLink = () => copied(() => navigator.clipboard.writeText(api.link(imagesOf()[at].url)), "link");

function deeds() {
  const deed = (name, drawn, act) => make("button", { type: "button", class: "quiet framed", onclick: act }, icon(drawn), t(name));
  const reuse = () => acts.reuse(task);
  const removing = () => {
    const mine = task;
    // After the viewer's own listener, which gives the focus back.
    find("viewer").addEventListener("close", () => deletions.begin(mine), { once: true });
    find("viewer").close();
  };
  return make("div", { class: "deeds" },
    deed(task.task_status === "failed" ? "edit" : "reuse", "edit", reuse),
    ...(imagesOf().length ? [deed("copy_picture", "copy", copyPicture), deed("copy_link", "link", copyLink), starOf(task)] : []),
    ...(hasEnded(task) ? [deed("delete", "bin", removing)] : []));
}

/** Finds the picture before or after this one, in the same task or the next one in the gallery. */
function neighbour(steps) {
  const next = at + steps;
  if (next >= 0 && next < imagesOf().length) return [task, next];
  const done = acts.tasks().filter((each) => each.task_result.images.length);
  const here = done.findIndex((each) => each.task_id === task.task_id);
  const other = here < 0 ? undefined : done[here + steps];
  return other && [other, steps > 0 ? 0 : other.task_result.images.length - 1];
}

function step(steps) {
  const next = neighbour(steps);
  if (next) acts.move(...next);
}

function drawStage() {
  const images = imagesOf();
  stage.classList.remove("actual");
  stage.style.backgroundImage = "";
  if (!images.length) {
    stage.replaceChildren();
    return;
  }
  // The gallery has loaded the preview, so it is there at once.
  if (images[at].preview_url) stage.style.backgroundImage = `url("${api.link(images[at].preview_url)}")`;
  const image = make("img", { class: "whole", src: api.link(images[at].url), alt: t("picture_alt", at + 1, images.length), onclick: () => zoom() });
  const mine = stage;
  image.addEventListener("load", () => image.isConnected && (mine.style.backgroundImage = ""));
  image.addEventListener("error", () => {
    if (image.isConnected) mine.style.backgroundImage = "";
    image.replaceWith(make("div", { class: "notice failed" }, icon("alert"), make("p", {}, t("unreadable"))));
  });
  stage.replaceChildren(image);
}

function bar() {
  const images = imagesOf();
  const title = make("h2", { id: "viewer-title", tabIndex: -1 }, t("task", nameOf(task)), " ",
    images.length > 1 ? make("small", {}, `${at + 1} / ${images.length}`) : null);
  return make("div", { class: "viewer-bar" }, title,
    images.length ? control(t("actual_size"), "zoom", () => zoom(), { class: "round zoom", "aria-pressed": "false" }) : null,
    images.length ? control(t("save_one"), "down", saveOne) : null,
    images.length > 1 ? control(t("save_all", images.length), "archive", () => save(task)) : null,
    control(t("close"), "close", () => find("viewer").close(), { class: "round close" }));
}

function strip() {
  const images = imagesOf();
  if (images.length < 2) return null;
  return make("div", { class: "strip" }, ...images.map((image, number) =>
    make("button", { type: "button", "aria-current": number === at ? "true" : null, "aria-label": t("picture_alt", number + 1, images.length), onclick: () => acts.move(task, number) },
      make("img", { src: api.link(image.preview_url ?? image.url), alt: "", loading: "lazy" }))));
}

/** The host of an address; the address itself if the browser cannot parse it. */
function hostOf(url) {
  return URL.canParse(url) ? new URL(url).host : url;
}

function input(label, url) {
  const isOurs = acts.isOurs(url);
  const shown = isOurs
    ? make("img", { src: url, alt: "", loading: "lazy" })
    : make("span", { class: "address", title: t("elsewhere") }, icon("picture"), hostOf(url));
  if (isOurs) shown.addEventListener("error", () => shown.replaceWith(make("span", { class: "address" }, icon("picture"), t("unreadable"))));
  return make("li", {}, make("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, shown, make("span", {}, label)));
}

function row(name, ...values) {
  return [make("dt", {}, t(name)), make("dd", {}, ...values)];
}

function timeline(progress) {
  const rows = progress.steps.map(({ step: name, at: when }, number) => {
    const before = progress.steps[number - 1]?.at;
    const reached = name === "failed" && isCancelled(task) ? "cancelled" : name;
    return make("li", { class: `to-${reached}` }, make("span", {}, t(`step_${reached}`)), make("time", { dateTime: new Date(when).toISOString(), title: moment(when) }, number ? `+ ${span(when - before)}` : moment(when)));
  });
  return make("ol", { class: "timeline" }, ...rows);
}

function webhooks(list) {
  const rows = list.map((each) => make("li", { class: `to-${each.outcome === "delivered" ? "succeed" : "failed"}` },
    make("span", {}, t("delivery", t(each.task_status), t(`delivery_${each.outcome}`), each.http_status ? `HTTP ${each.http_status}` : each.reason)),
    make("time", { dateTime: new Date(each.attempted_at).toISOString() }, moment(each.attempted_at))));
  return [make("h3", {}, t("webhooks")), rows.length ? make("ol", { class: "timeline" }, ...rows) : make("p", { class: "words none" }, t("webhooks_none"))];
}

function drawSide(request, progress, deliveries) {
  const inputs = request
    ? [
        ...request.subject_image_list.map((each, number) => input(t("subject_number", number + 1), each.subject_image)),
        ...(request.scene_image ? [input(t("scene"), request.scene_image)] : []),
        ...(request.style_image ? [input(t("style"), request.style_image)] : []),
      ]
    : [];
  const id = make("code", {}, task.task_id);
  const copyId = async () => {
    try {
      await navigator.clipboard.writeText(task.task_id);
      say(t("copied"));
    } catch {
      getSelection().selectAllChildren(id);
      say(t("not_copied"));
    }
  };
  const failed = task.task_status === "failed";
  const reason = isCancelled(task)
    ? [make("h3", {}, t("cancelled_title")), make("p", { class: "words none" }, t("cancelled_why"))]
    : [make("h3", {}, t("reason")), make("p", { class: "reason" }, explained(task.task_status_msg))];
  const again = () => retry(task, (made) => {
    find("viewer").close();
    acts.retried(made);
  });
  side.replaceChildren(
    ...(failed ? [...reason, make("button", { type: "button", class: "primary", onclick: again }, t("retry"))] : []),
    deeds(),
    ...(hasEnded(task) ? [] : [make("p", { class: "words none" }, t("no_pictures_yet"))]),
    ...(request ? [make("h3", {}, t("made_from")), make("ul", { class: "inputs" }, ...inputs), make("p", { class: request.prompt ? "words" : "words none" }, request.prompt || t("prompt_none"))] : []),
    ...(progress ? [make("h3", {}, t("timeline")), timeline(progress), progress.refusal ? make("p", { class: "reason" }, t("refusal", explained(progress.refusal))) : ""] : []),
    ...(deliveries ? webhooks(deliveries) : []),
    make("h3", {}, t("details")),
    make("dl", { class: "details" },
      ...row("detail_status", t(isCancelled(task) ? "cancelled_title" : task.task_status)),
      ...row("detail_id", id, make("button", { type: "button", class: "round small", "aria-label": t("copy_id"), title: t("copy_id"), onclick: copyId }, icon("copy"))),
      ...(task.task_info.external_task_id ? row("detail_external", make("code", {}, task.task_info.external_task_id)) : []),
      ...(request ? [...row("detail_model", request.model_name), ...row("detail_ratio", request.aspect_ratio.replace(":", " : ")), ...row("detail_number", String(request.n))] : []),
      ...row("detail_created", moment(task.created_at)),
      ...(hasEnded(task) ? row("detail_duration", span(task.updated_at - task.created_at)) : []),
      ...(task.final_unit_deduction ? row("detail_units", task.final_unit_deduction) : [])),
  );
}

const known = new Map();

async function drawKnown() {
  const mine = task;
  const had = known.get(mine.task_id);
  // A request does not change, but its links expire after an hour.
  const isFresh = had && Date.now() - had.at < 1_800_000;
  drawSide(isFresh ? had.request : null, null);
  try {
    const [request, progress] = await Promise.all([isFresh ? had.request : api.request(mine.task_id), api.progress(mine.task_id)]);
    known.set(mine.task_id, { at: Date.now(), request });
    if (known.size > 50) known.delete(known.keys().next().value);
    const deliveries = request.callback_url ? await api.deliveries(mine.task_id) : null;
    if (task === mine && find("viewer").open) drawSide(request, progress, deliveries);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    if (task === mine) side.prepend(make("p", { class: "reason" }, complaint(error)));
  }
}

function draw(isOther) {
  const dialog = find("viewer");
  if (isOther) {
    stage = make("div", { class: "canvas" });
    side = make("aside", { class: "side", tabIndex: 0, "aria-label": t("details") });
  }
  const hadFocus = dialog.contains(document.activeElement) ? document.activeElement.className : null;
  const images = imagesOf();
  dialog.classList.toggle("without", !images.length);
  dialog.replaceChildren(
    make("div", { class: "show" }, bar(), stage,
      images.length && neighbour(-1) ? control(t("previous"), "left", () => step(-1), { class: "round beside back" }) : "",
      images.length && neighbour(1) ? control(t("next"), "right", () => step(1), { class: "round beside on" }) : "",
      strip() ?? ""),
    side,
    ...dialog.querySelectorAll(".undo, .toast"),
  );
  drawStage();
  if (hadFocus) [...dialog.querySelectorAll("button")].find((each) => each.className === hadFocus)?.focus();
  if (isOther) drawKnown();
}

/** Shows one image of a task, in the open dialog if there is one. */
export function show(next, index) {
  const isOther = next.task_id !== task?.task_id || next.task_status !== task.task_status || !find("viewer").open;
  task = next;
  at = Math.min(index, Math.max(0, imagesOf().length - 1));
  const dialog = find("viewer");
  const wasOpen = dialog.open;
  if (!wasOpen) {
    opener = document.activeElement;
    openerId = next.task_id;
    dialog.showModal();
  }
  draw(isOther);
  float();
  const isLost = document.activeElement === dialog || !dialog.contains(document.activeElement);
  if (!wasOpen || isLost) dialog.querySelector(".close").focus();
}

/** Updates the viewer if it shows this task. */
export function changed(next) {
  if (find("viewer").open && next.task_id === task?.task_id && next.updated_at !== task.updated_at) show(next, at);
}

/** Draws the viewer again in the chosen language. */
export function redraw() {
  if (find("viewer").open) draw(true);
}

/** Closes the viewer. */
export function hide() {
  if (find("viewer").open) find("viewer").close();
}

/** Starts the viewer; `given` holds `move(task, index)`, `reuse(task)`, `closed()`, `tasks()`, `retried(task)` and `isOurs(url)`. */
export function start(given) {
  acts = given;
  const dialog = find("viewer");
  dialog.addEventListener("close", () => {
    float();
    const card = document.querySelector(`[data-id="${CSS.escape(openerId ?? "")}"] button`);
    (opener?.isConnected ? opener : card)?.focus();
    task = null;
    acts.closed();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), "+": () => zoom(true), "=": () => zoom(true), "-": () => zoom(false), 0: () => zoom(false) };
    if (!(event.key in keys) || !imagesOf().length) return;
    event.preventDefault();
    keys[event.key]();
  });
}
