// The pictures of the form: checked against the contract's limits before they are sent, and shown as tiles.

import { find, icon, make, say } from "./elements.js";
import { formatOf, isWhole } from "./files.js";
import { t } from "./strings.js";
import { size } from "./times.js";

const BYTES = 10 * 1024 * 1024;
const SIDE = 300;
const RATIO = 2.5;
const SUBJECTS = 4;
const ACCEPTED = ["PNG", "JPEG"];

/** The pictures chosen so far: subjects, scene and style. */
export const picked = { subjects: [], scene: [], style: [] };

const PLACES = {
  subjects: { room: SUBJECTS, add: "add_subject" },
  scene: { room: 1, add: "add_scene" },
  style: { room: 1, add: "add_style" },
};

let changed = () => {};

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

/** Replaces the pictures of all places, without a word about each. */
export async function fill(all) {
  for (const place of Object.keys(picked)) {
    picked[place].forEach(release);
    picked[place] = [];
    await add(place, all[place] ?? [], true);
  }
}

/** Adds files, or addresses of pictures, to a place; a place for one picture keeps the last. */
export async function add(place, things, isQuiet = false) {
  const found = await Promise.all(
    things.map(async (thing) =>
      typeof thing === "string" ? { name: thing, address: thing, problem: null } : read(thing),
    ),
  );
  const { room } = PLACES[place];
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
  if (over.length) say(t("too_many"));
  else if (wrong.length) say(wrong.map((each) => t("not_picked", each.name, t(...each.problem))).join(" "));
  else if (found.length) say(t("picked", found.map((each) => each.name).join(", ")));
  show(place);
  changed();
}

function release(image) {
  if (image.shown) URL.revokeObjectURL(image.shown);
}

function choose(place, number) {
  const input = make("input", { type: "file", accept: "image/png,image/jpeg", multiple: PLACES[place].room > 1 && number === undefined });
  input.addEventListener("change", () => {
    if (number !== undefined) remove(place, number, true);
    add(place, [...input.files]);
  });
  input.click();
}

function remove(place, number, isReplaced = false) {
  const [removed] = picked[place].splice(number, 1);
  release(removed);
  if (isReplaced) return;
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
      ? make("img", { src: image.shown, alt: image.name })
      : make("span", { class: "address", title: image.name }, icon("picture"), host ?? image.name),
    make("button", { type: "button", class: "take-out", "aria-label": t("remove", image.name), title: t("remove", image.name), onclick: () => remove(place, number) }, icon("close")),
    problem || image.refused ? make("p", { class: "error" }, problem || image.refused) : null,
  );
}

/** Draws the tiles of a place. */
export function show(place) {
  const { room, add: label } = PLACES[place];
  const filled = picked[place].map((image, number) => tile(place, image, number));
  const open =
    filled.length < room
      ? [make("li", { class: `slot${filled.length || room === 1 ? "" : " first"}` },
          make("button", { type: "button", class: "add", id: `add-${place}`, onclick: () => choose(place) }, icon("add"),
            make("span", {}, t(label)), filled.length || room === 1 ? null : make("small", {}, t("drop_here"))))]
      : [];
  find(place).replaceChildren(...filled, ...open);
}

/** Draws the tiles of all places. */
export const showAll = () => Object.keys(PLACES).forEach(show);

/** The files of a drop or a paste, or the addresses of pictures in its text. */
export function thingsIn(transfer) {
  const files = [...transfer.files];
  if (files.length) return files;
  return (transfer.getData("text/uri-list") || transfer.getData("text/plain"))
    .split(/\s+/)
    .filter((each) => /^https?:\/\/[^/]/.test(each) && URL.canParse(each));
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
      add(place, thingsIn(event.dataTransfer));
    });
  }
  // A drop elsewhere in the form adds subjects. A drop beside the form does nothing, so that the browser stays on the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.target.closest?.("#make")) add("subjects", thingsIn(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    if (find("studio").hidden || document.querySelector("dialog[open]")) return;
    const isText = event.target.matches?.("textarea, input");
    const things = isText ? [...event.clipboardData.files] : thingsIn(event.clipboardData);
    if (!things.length) return;
    event.preventDefault();
    add("subjects", things);
  });
}
