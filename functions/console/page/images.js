// The pictures of the form: checked against the contract's limits before they are sent, and shown as tiles.

import * as dropped from "./dropped.js";
import { ask, find, icon, make, say } from "./elements.js";
import { formatOf, isWhole } from "./files.js";
import { t } from "./strings.js";
import { size } from "./times.js";

const BYTES = 10 * 1024 * 1024;
const SIDE = 300;
const RATIO = 2.5;
const SUBJECTS = 4;
const BATCH = 100;
const READ_AT_ONCE = 4;
const ACCEPTED = ["PNG", "JPEG"];

/** The pictures chosen so far: subjects, scene and style. */
export const picked = { subjects: [], scene: [], style: [] };

const PLACES = {
  subjects: { room: SUBJECTS, add: "add_subject" },
  scene: { room: 1, add: "add_scene" },
  style: { room: 1, add: "add_style" },
};

let changed = () => {};
let isSplit = false;

/** Whether each subject is for a task by itself. */
export const isEach = () => isSplit;

const roomOf = (place) => (isSplit && place === "subjects" ? BATCH : PLACES[place].room);

/** Checks a file against the contract. Returns a sentence's name and its values, or null. */
function check(file, bytes, format, drawn) {
  if (file.size > BYTES) return ["too_big", size(file.size)];
  if (!ACCEPTED.includes(format)) return format ? ["other_format", format] : ["not_an_image"];
  if (!isWhole(bytes, format)) return ["unreadable_image"];
  // The browser may fail to draw a picture that is allowed, so the API decides.
  if (!drawn) return null;
  const { width, height } = drawn;
  if (Math.min(width, height) < SIDE) return ["too_small", width, height];
  return Math.max(width, height) > RATIO * Math.min(width, height) ? ["too_long", width, height] : null;
}

/** Reads a file: its problem, and an address to show it by if the browser can draw it. */
async function read(file) {
  const bytes = new Uint8Array(await file.slice(0, BYTES).arrayBuffer());
  const format = formatOf(bytes);
  const drawn = ACCEPTED.includes(format) && (await createImageBitmap(file).catch(() => null));
  const image = { name: file.name, file, shown: drawn && URL.createObjectURL(file), problem: check(file, bytes, format, drawn) };
  if (drawn) drawn.close();
  return image;
}

/** Reads files, or addresses of pictures. Few at once: a large picture takes 50 MB while it is checked. */
async function readAll(things) {
  const found = [];
  for (let at = 0; at < things.length; at += READ_AT_ONCE) {
    const some = things.slice(at, at + READ_AT_ONCE);
    found.push(...(await Promise.all(some.map((thing) => (typeof thing === "string" ? { name: thing, address: thing, problem: null } : read(thing))))));
  }
  return found;
}

/** Replaces the pictures of all places, without a word about each. */
export async function fill(all) {
  isSplit = Boolean(all.isEach);
  for (const place of Object.keys(picked)) {
    picked[place].forEach(release);
    picked[place] = [];
    await add(place, all[place] ?? [], true);
  }
}

/** Adds files, or addresses of pictures, to a place; a place for one picture keeps the last. */
export async function add(place, things, isQuiet = false) {
  const room = roomOf(place);
  const found = await readAll(room === 1 ? things.slice(-1) : things.slice(0, room + 1));
  const all = room === 1 ? found.slice(-1) : [...picked[place], ...found];
  const over = all.splice(room);
  picked[place].filter((each) => !all.includes(each)).forEach(release);
  over.forEach(release);
  picked[place] = all;
  const wrong = found.filter((each) => each.problem);
  if (isQuiet) {
    show(place);
    return;
  }
  if (over.length) say(t(isSplit ? "too_many_each" : "too_many"));
  else if (wrong.length) say(wrong.map((each) => t("not_picked", each.name, t(...each.problem))).join(" "));
  else if (found.length) say(t("picked", found.map((each) => each.name).join(", ")));
  show(place);
  changed();
}

/** Adds subjects. Asks about a folder, or more than four pictures: one task for each, or one for all. */
export async function offer(things, isFolder = false) {
  if (isFolder && !things.length) say(t("folder_empty"));
  if (!isSplit && (things.length > SUBJECTS || (isFolder && things.length > 1))) {
    const tasks = Math.min(BATCH, things.length + picked.subjects.length);
    const answer = await ask(t("each_or_together", things.length), [
      ["each", t("each"), t("each_means", tasks)],
      ["together", t("together"), t("together_means", Math.min(SUBJECTS, things.length))],
    ], t("cancel"));
    if (!answer) return;
    isSplit = answer === "each";
  }
  await add("subjects", things);
}

/** Takes all subjects out. Those to come are for one task. */
function clear() {
  picked.subjects.forEach(release);
  picked.subjects = [];
  isSplit = false;
  show("subjects");
  changed();
  find("add-subjects").focus();
}

/** Keeps the subjects that a batch refused, each with its reason; the others have their tasks. */
export function keepRefused(reasons) {
  picked.subjects.filter((image) => !reasons.has(image)).forEach(release);
  picked.subjects = picked.subjects.filter((image) => reasons.has(image));
  changed();
  for (const [image, reason] of reasons) image.refused = reason;
  show("subjects");
}

function release(image) {
  if (image.shown) URL.revokeObjectURL(image.shown);
}

function choose(place) {
  const input = make("input", { type: "file", accept: "image/png,image/jpeg", multiple: PLACES[place].room > 1 });
  input.addEventListener("change", () => {
    if (place === "subjects") offer([...input.files]);
    else add(place, [...input.files]);
  });
  input.click();
}

function remove(place, number) {
  const [removed] = picked[place].splice(number, 1);
  release(removed);
  if (!picked.subjects.length) isSplit = false;
  show(place);
  changed();
  say(t("removed", removed.name));
  find(place).querySelector("button")?.focus();
}

function tile(place, image, number) {
  const problem = image.problem && t(...image.problem);
  const host = image.address && URL.canParse(image.address) ? new URL(image.address).host : null;
  return make(
    "li",
    { class: `slot filled${problem || image.refused ? " wrong" : ""}` },
    image.shown
      ? make("img", { src: image.shown, alt: image.name, loading: "lazy", decoding: "async" })
      : make("span", { class: "address", title: image.name }, icon("picture"), host ?? image.name),
    make("button", { type: "button", class: "take-out", "aria-label": t("remove", image.name), title: t("remove", image.name), onclick: () => remove(place, number) }, icon("close")),
    problem || image.refused ? make("p", { class: "error" }, problem || image.refused) : null,
  );
}

/** Draws the tiles of a place. */
export function show(place) {
  const { add: label } = PLACES[place];
  const room = roomOf(place);
  const filled = picked[place].map((image, number) => tile(place, image, number));
  const open =
    filled.length < room
      ? [make("li", { class: `slot${filled.length || room === 1 ? "" : " first"}` },
          make("button", { type: "button", class: "add", id: `add-${place}`, onclick: () => choose(place) }, icon("add"),
            make("span", {}, t(label)), filled.length || room === 1 ? null : make("small", {}, t("drop_here"))))]
      : [];
  find(place).replaceChildren(...filled, ...open);
  if (place !== "subjects") return;
  find(place).classList.toggle("many", isSplit);
  find("each").hidden = !isSplit;
  find("subjects-hint").hidden = isSplit;
  find("each").replaceChildren(...(isSplit ? [make("span", {}, t("each_picked", picked.subjects.length)), make("button", { type: "button", class: "quiet framed", onclick: clear }, t("remove_all"))] : []));
}

/** Draws the tiles of all places. */
export const showAll = () => Object.keys(PLACES).forEach(show);

async function take(place, transfer) {
  const { things, isFolder } = await dropped.read(transfer);
  if (!things.length && !isFolder) return;
  if (place === "subjects") await offer(things, isFolder);
  else await add(place, things);
}

/** Starts drop and paste; `onChange` is called after every change of the pictures. */
export function start(onChange) {
  changed = onChange;
  showAll();
  for (const place of Object.keys(PLACES)) {
    const field = find(place).closest(".field");
    field.addEventListener("dragover", (event) => {
      event.preventDefault();
      event.stopPropagation();
      field.classList.add("over");
      document.body.classList.remove("dragging");
    });
    field.addEventListener("dragleave", () => field.classList.remove("over"));
    field.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      field.classList.remove("over");
      take(place, event.dataTransfer);
    });
  }
  // A drop elsewhere in the form adds subjects. A drop beside the form does nothing, so that the browser stays on the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.target.closest?.("#make")) take("subjects", event.dataTransfer);
  });
  document.addEventListener("paste", (event) => {
    if (find("studio").hidden || document.querySelector("dialog[open]")) return;
    const isText = event.target.matches?.("textarea, input");
    if (isText && !event.clipboardData.files.length) return;
    event.preventDefault();
    take("subjects", event.clipboardData);
  });
}
