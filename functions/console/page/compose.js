// The form: its choices, the errors beside its fields, and sending it.

import * as api from "./api.js";
import * as kept from "./draft.js";
import * as images from "./images.js";
import { find, icon, make, say } from "./elements.js";
import { complaint, fieldOf } from "./messages.js";
import * as request from "./request.js";
import { t } from "./strings.js";

const PROMPT_CHARACTERS = 2500;
const RATIOS = ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"];
const MODELS = ["kling-v2", "kling-v2-1"];
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

// The idempotency key of the draft, until the draft changes or a task is made from it. Pressing twice makes one task.
let once = null;
let sending = false;
let keeping;
const KEEP_AFTER_MS = 300;
// Every change writes the pictures again, so those of a large batch are not kept.
const KEPT_BYTES = 50_000_000;

const chosen = (name) => find("compose").querySelector(`input[name=${name}]:checked`).value;

// Counts as the API does: a character outside the basic plane is one character.
const length = (text) => [...text].length;

function draft() {
  return {
    ...images.picked,
    isEach: images.isEach(),
    prompt: find("prompt").value.trim(),
    ratio: chosen("ratio"),
    n: Number(chosen("n")),
    model: find("model").value,
    watermark: find("watermark").checked,
    external: find("external").value.trim(),
    callback: find("callback").value.trim(),
  };
}

/** Keeps the draft for the next visit of this browser. The task id is left out, as it can be used once. */
function keep() {
  clearTimeout(keeping);
  keeping = setTimeout(() => {
    const { external, ...choices } = draft();
    const bytes = images.picked.subjects.reduce((sum, image) => sum + (image.file?.size ?? 0), 0);
    const isSmall = bytes <= KEPT_BYTES;
    const things = Object.fromEntries(Object.entries(images.picked).map(([place, list]) => [place, isSmall ? list.map((each) => each.address ?? each.file) : []]));
    kept.keep({ ...choices, ...things, isEach: choices.isEach && isSmall });
  }, KEEP_AFTER_MS);
}

function choose(name, value) {
  const input = [...find("compose").querySelectorAll(`input[name=${name}]`)].find((each) => each.value === String(value));
  if (input) input.checked = true;
}

/** Fills the form: pictures as files or addresses, and choices; a choice that the form does not have stays as it is. */
export async function fill({ subjects, scene, style, isEach, prompt, ratio, n, model, watermark, callback }) {
  await images.fill({ subjects, scene, style, isEach });
  clearErrors();
  find("prompt").value = prompt ?? "";
  choose("ratio", ratio);
  choose("n", n);
  if (MODELS.includes(model)) find("model").value = model;
  find("watermark").checked = Boolean(watermark);
  find("callback").value = callback ?? "";
  find("external").value = "";
  once = null;
  refresh();
  keep();
}

/** Fills the form with the draft of the last visit, if nothing has been put into it yet. */
export async function restore() {
  const found = await kept.read();
  if (found && !images.picked.subjects.length && !find("prompt").value) await fill(found);
}

/** Adds the picture whose address was written into the form. */
function addAddress() {
  const address = find("address").value.trim();
  const isOne = /^https?:\/\/[^/]/.test(address) && URL.canParse(address);
  find("address-error").textContent = isOne ? "" : t("why_not_http");
  find("address").toggleAttribute("aria-invalid", !isOne);
  if (!isOne) {
    find("address").focus();
    return;
  }
  find("address").value = "";
  images.add(find("address-place").value, [address]);
}

function radio(name, value, shown, isChosen) {
  const id = `${name}-${value.toString().replace(":", "-")}`;
  const input = make("input", { type: "radio", name, id, value, checked: isChosen });
  return make("span", { class: "choice" }, input, make("label", { htmlFor: id }, ...shown));
}

function shape(ratio) {
  const [width, height] = ratio.split(":").map(Number);
  const scale = 20 / Math.max(width, height);
  const drawn = make("span", { class: "shape", "aria-hidden": "true" });
  drawn.style.inlineSize = `${width * scale}px`;
  drawn.style.blockSize = `${height * scale}px`;
  return make("span", { class: "cell", "aria-hidden": "true" }, drawn);
}

function field(name) {
  return find("compose").querySelector(`[data-field="${CSS.escape(name)}"]`) ?? find("compose").querySelector("[data-field=body]");
}

function errorOf(element) {
  return [...element.children].find((child) => child.matches(".error"));
}

function refuse(name, text) {
  const element = field(name);
  const folded = element.closest("details");
  if (folded) folded.open = true;
  errorOf(element).textContent = text;
  element.classList.add("wrong");
  const control = element.querySelector("textarea, select, input, button");
  if (control?.matches("textarea, select, input")) control.setAttribute("aria-invalid", "true");
  control?.focus();
}

function clearErrors() {
  for (const element of find("compose").querySelectorAll("[data-field].wrong")) {
    element.classList.remove("wrong");
    errorOf(element).textContent = "";
    element.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
  }
  for (const image of Object.values(images.picked).flat()) delete image.refused;
  errorOf(field("body")).textContent = "";
}

/** Checks a draft before it is sent. Returns the field and the sentence, or null. */
function violation(now) {
  if (!now.subjects.length) return ["subject_image_list", t("subject_missing")];
  for (const [name, list] of [["subject_image_list", now.subjects], ["scene_image", now.scene], ["style_image", now.style]]) {
    if (list.some((image) => image.problem)) return [name, t("image_wrong")];
  }
  const over = length(now.prompt) - PROMPT_CHARACTERS;
  return over > 0 ? ["prompt", t("prompt_too_long", over)] : null;
}

function showRefusal(error) {
  // A batch that is refused as a whole names its first job.
  const [, job, reason] = /^job (\d+): (.*?)(?:; \d+ more of \d+ jobs are refused)?$/s.exec(error.message) ?? [];
  const found = error.status === 400 || error.status === 422 ? fieldOf(reason ?? error.message) : null;
  if (!found) {
    refuse("body", complaint(error, "unreachable_draft"));
    return;
  }
  const list = { subject_image_list: "subjects", scene_image: "scene", style_image: "style" }[found.name];
  const image = list && images.picked[list][job && list === "subjects" ? job - 1 : found.number];
  if (image) {
    image.refused = found.text;
    images.show(list);
  }
  refuse(found.name, image ? t("image_wrong") : found.text);
}

/** Says how many tasks a batch has, and keeps the pictures of refused jobs in the form. */
function acceptedBatch(batch, now) {
  const refused = batch.refused ?? [];
  say(refused.length ? t("batch_refused", batch.tasks.length, refused.length) : t("batch_accepted", batch.tasks.length));
  if (refused.length) images.keepRefused(new Map(refused.map(({ job, message }) => [now.subjects[job - 1], fieldOf(message)?.text ?? message])));
}

async function submit(event, accepted) {
  event.preventDefault();
  if (sending) return;
  clearErrors();
  const now = draft();
  const wrong = violation(now);
  if (wrong) {
    refuse(...wrong);
    return;
  }
  sending = true;
  once ??= api.once();
  const button = find("submit");
  button.setAttribute("aria-disabled", "true");
  try {
    const made = await request.send(now, once, (text) => button.replaceChildren(text));
    once = null;
    find("external").value = "";
    accepted(made, now);
    if (now.isEach) acceptedBatch(made, now);
    else say(made.ignored ? t("accepted_without", made.ignored) : t("accepted"));
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    else showRefusal(error);
  } finally {
    sending = false;
    button.removeAttribute("aria-disabled");
    refresh();
  }
}

async function copy() {
  const text = request.curl(draft());
  try {
    await navigator.clipboard.writeText(text);
    say(t("copied"));
  } catch {
    // Without a secure context there is no clipboard, so the text is selected for the person to copy.
    find("request-text").textContent = text;
    getSelection().selectAllChildren(find("request-text"));
    say(t("not_copied"));
  }
}

/** Updates the counter, the request and the button to the choices. */
export function refresh() {
  const now = draft();
  const count = length(now.prompt);
  find("prompt-count").textContent = t("prompt_count", count);
  find("prompt-count").classList.toggle("over", count > PROMPT_CHARACTERS);
  if (find("request").open) find("request-text").textContent = request.shown(now);
  if (!sending) find("submit").textContent = now.isEach ? t("submit_each", now.subjects.length, now.n) : t("submit", now.n);
  field("external_task_id").hidden = now.isEach;
  find("address-place").replaceChildren(...["subjects", "scene", "style"].map((place) => make("option", { value: place, selected: place === find("address-place").value }, t(`to_${place}`))));
  find("copy-curl").replaceChildren(icon("copy"), t("copy_curl"));
}

/** Starts the form. `accepted(made, draft)` is called for every new task or batch. */
export function start(accepted) {
  find("ratios").append(...RATIOS.map((each, at) => radio("ratio", each, [shape(each), each.replace(":", " : ")], at === 0)));
  find("numbers").append(...NUMBERS.map((each) => radio("n", each, [String(each)], each === 1)));
  find("model").append(...MODELS.map((each) => make("option", { value: each }, each)));
  const changed = () => {
    once = null;
    refresh();
    keep();
  };
  images.start(() => {
    clearErrors();
    changed();
  });
  find("compose").addEventListener("input", changed);
  for (const id of ["advanced", "request"]) {
    find(id).addEventListener("toggle", () => {
      refresh();
      // Opened below the edge of the window, it would stay out of sight.
      if (find(id).open) find(id).scrollIntoView({ block: "nearest" });
    });
  }
  find("add-address").addEventListener("click", addAddress);
  find("address").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    addAddress();
  });
  find("copy-curl").addEventListener("click", copy);
  find("compose").addEventListener("submit", (event) => submit(event, accepted));
  find("compose").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("compose").requestSubmit();
  });
  refresh();
}
