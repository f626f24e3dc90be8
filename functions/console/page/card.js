// A task in the gallery: its stage while it runs, then its images, or the reason why it failed.

import * as api from "./api.js";
import * as download from "./download.js";
import * as favourites from "./favourites.js";
import { icon, make, say } from "./elements.js";
import { complaint, explained } from "./messages.js";
import { shots } from "./shots.js";
import { t } from "./strings.js";
import { ago, clock, moment, roughly } from "./times.js";

/** The stages of a running task, in their order. */
export const STAGES = ["waiting", "dispatching", "generating", "collecting"];

/** Whether a task has ended and changes no more. */
export const hasEnded = (task) => task.task_status === "succeed" || task.task_status === "failed";

// A cancelled task has the status failed; this message alone distinguishes it.
const CANCELLED = "Cancelled by the caller before it was its turn";

/** Whether a task was cancelled. */
export const isCancelled = (task) => task.task_status === "failed" && task.task_status_msg === CANCELLED;

/** The name of a task: the caller's id, or the first characters of Kiln's id. */
export const nameOf = (task) => task.task_info.external_task_id || task.task_id.slice(0, 8);

function stageAlone({ stage, queue_position: place, is_paused: isPaused }) {
  if (isPaused) return t("stage_paused");
  if (stage !== "waiting" || !place) return t(`stage_${stage}`);
  return place === 1 ? t("stage_next") : t("stage_queued", place);
}

/** The stage of a task, in words, with the API's estimate if there is one. */
export function stageText(progress) {
  const { eta_seconds: seconds, is_paused: isPaused } = progress;
  return seconds && !isPaused ? t("stage_estimated", stageAlone(progress), roughly(seconds)) : stageAlone(progress);
}

/** A task's progress as far as its status says it, until the API's answer is here. */
export const guessed = (task) => ({ stage: task.task_status === "processing" ? "generating" : "waiting", queue_position: task.queue_position });

function control(name, label, drawn, act) {
  return make("button", { type: "button", class: "quiet icon", "aria-label": label, title: name, onclick: act }, icon(drawn));
}

function pressed(button, isOn) {
  button.setAttribute("aria-pressed", String(isOn));
  return button;
}

/** A button that makes a task a favourite. */
export function starOf(task) {
  const label = t("favourite_of", nameOf(task));
  const button = control(t("favourite"), label, "star", () => pressed(button, favourites.toggle(task.task_id)));
  return pressed(button, favourites.has(task.task_id));
}

/** A gallery's card; `acts` are `open(task, index)`, `reuse(task)`, `remove(task)`, `retried(task)` and `changed(task)`. */
export class Card {
  constructor(task, acts, preview) {
    this.acts = acts;
    this.preview = preview;
    this.progress = null;
    this.frame = make("div", { class: "frame" });
    this.state = make("p", { class: "state" });
    this.actions = make("div", { class: "actions" });
    this.prompt = make("p", { class: "prompt" });
    this.element = make("li", { class: "task", "data-id": task.task_id }, this.frame, make("div", { class: "caption" }, this.state, this.actions), this.prompt);
    this.update(task);
  }

  /** Shows the task as it is now. */
  update(task) {
    const isSame = this.task && this.task.task_status === task.task_status && this.task.updated_at === task.updated_at;
    this.task = task;
    if (!isSame) this.draw();
  }

  /** Shows the task's progress. */
  advance(progress) {
    const { task_status: status } = progress;
    const isMove = progress.stage !== this.progress?.stage || status !== this.task.task_status;
    this.progress = progress;
    this.task = { ...this.task, task_status: status };
    if (isMove) this.draw();
    else if (!hasEnded(this.task)) this.frame.querySelector(".stage").textContent = stageText(progress);
  }

  /** Draws the whole card, for a new status or another language. */
  draw() {
    const { task } = this;
    const held = this.element.contains(document.activeElement) ? document.activeElement.className : null;
    this.element.className = `task ${task.task_status}${isCancelled(task) ? " cancelled" : ""}`;
    const drawn = { succeed: () => this.images(), failed: () => this.failure() }[task.task_status] ?? (() => this.stages());
    drawn();
    this.state.replaceChildren(
      make("span", { class: "dot", "aria-hidden": "true" }),
      make("span", { class: "name", title: task.task_id }, nameOf(task)),
      // A running task shows its seconds in the frame instead.
      hasEnded(task) ? make("time", { dateTime: new Date(task.created_at).toISOString(), title: moment(task.created_at), "data-ago": task.created_at }, ago(task.created_at)) : "",
    );
    Object.assign(this.prompt, { textContent: task.prompt ?? "", title: task.prompt ?? "", hidden: !task.prompt });
    this.actions.replaceChildren(...this.buttons());
    // The focused control was replaced, so the focus moves to the first control of the card.
    if (held !== null) this.element.querySelector("button")?.focus();
  }

  images() {
    const { frame } = this;
    const { images } = this.task.task_result;
    // After a change of language the pictures stay as they are.
    if (!frame.querySelector(".shot")) {
      frame.dataset.count = images.length;
      delete frame.dataset.stage;
      const glow = frame.querySelectorAll(".glow-image, .glow");
      frame.replaceChildren(...shots(frame, images, (at) => this.acts.open(this.task, at)), ...glow);
    }
    frame.querySelectorAll(".shot").forEach((shot, at) => shot.setAttribute("aria-label", t("open_picture", at + 1, images.length, nameOf(this.task))));
  }

  failure() {
    delete this.frame.dataset.count;
    const [drawn, title, why] = isCancelled(this.task) ? ["close", t("cancelled_title"), t("cancelled_why")] : ["alert", t("failed"), explained(this.task.task_status_msg)];
    const again = () => retry(this.task, this.acts.retried);
    this.frame.replaceChildren(make("div", { class: isCancelled(this.task) ? "failure quietly" : "failure" }, icon(drawn), make("strong", {}, title), make("p", {}, why), make("div", { class: "remedies" },
      make("button", { type: "button", class: "quiet framed", "aria-label": t("retry_of", nameOf(this.task)), onclick: again }, t("retry")),
      make("button", { type: "button", class: "quiet framed", "aria-label": t("edit_of", nameOf(this.task)), onclick: () => this.acts.reuse(this.task) }, t("edit")))));
  }

  stages() {
    delete this.frame.dataset.count;
    const progress = this.progress && STAGES.includes(this.progress.stage) ? this.progress : guessed(this.task);
    this.frame.dataset.stage = progress.stage;
    const at = STAGES.indexOf(progress.stage);
    const bars = STAGES.map((stage, number) =>
      make("span", { class: number < at ? "bar-step past" : number === at ? "bar-step now" : "bar-step" }));
    const parts = [
      this.preview ? make("img", { class: "glow-image", src: this.preview, alt: "" }) : null,
      make("div", { class: "glow", "aria-hidden": "true" }),
      make("div", { class: "working" },
        make("span", { class: "elapsed", "data-since": this.task.created_at, title: t("elapsed") }, clock(Date.now() - this.task.created_at)),
        make("strong", { class: "stage" }, stageText(progress)),
        progress.refusal ? make("small", { class: "held-up" }, t("refusal", explained(progress.refusal))) : null,
        make("div", { class: "bars", "aria-hidden": "true" }, ...bars)),
    ];
    this.frame.replaceChildren(...parts.filter(Boolean));
  }

  buttons() {
    const { task } = this;
    const name = nameOf(task);
    const details = control(t("details"), t("details_of", name), "zoom", () => this.acts.open(task, 0));
    const removing = control(t("delete"), t("delete_of", name), "bin", () => this.acts.remove(task));
    if (task.task_status === "failed") return [details, removing];
    const again = control(t("reuse"), t("reuse_of", name), "edit", () => this.acts.reuse(task));
    if (task.task_status === "succeed") return [starOf(task), again, control(t("save"), t("save_of", name), "down", () => save(task)), removing];
    const mayCancel = !hasEnded(task) && (this.progress ?? guessed(task)).stage === "waiting";
    if (!mayCancel) return [again, details];
    const cancelling = make("button", { type: "button", class: "quiet", "aria-label": t("cancel_of", name), onclick: () => cancel(task, this.acts.changed) }, t("cancel"));
    return [cancelling, again, details];
  }
}

async function act(call) {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    say(complaint(error));
  }
}

// One idempotency key for each task, so that pressing twice makes one new task.
const retries = new Map();

/** Sends the request of a task again, as a new task. */
export function retry(task, retried) {
  if (!retries.has(task.task_id)) retries.set(task.task_id, api.once());
  return act(async () => {
    const made = await api.retry(task.task_id, retries.get(task.task_id));
    say(t("retried"));
    retried(made, task);
  });
}

/** Cancels a task that waits in the queue. */
export function cancel(task, changed) {
  return act(async () => {
    const ended = await api.cancel(task.task_id);
    changed(ended);
    say(t("cancelled"));
  });
}

/** Saves all images of a task. */
export async function save(task) {
  try {
    await download.all(task, (number, count) => say(t("packing", number, count)));
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    say(t("save_failed", error.message));
  }
}
