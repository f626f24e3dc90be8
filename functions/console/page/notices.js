// The notices beside the content: the tab's title, a notification at a task's end, and the state of the network.

import { find, icon } from "./elements.js";
import { t } from "./strings.js";

const STORAGE_NAME = "kiln-notify";

let running = [];
let news = "";
let slow = 0;

function drawTitle() {
  const [first] = running;
  const working = running.length > 1 ? t("title_running", running.length) : first;
  document.title = [news, working, "Kiln"].filter(Boolean).join(" · ");
}

/** Shows the stages of the running tasks, as sentences, in the tab's title. */
export function showRunning(stages) {
  running = stages;
  drawTitle();
}

const mayNotify = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(STORAGE_NAME) === "on";

/** Says in the title, and by a notification if the person wants one, that a task has ended while the tab was hidden. */
export function ended(text, id, open) {
  if (!document.hidden) return;
  news = text;
  drawTitle();
  if (!mayNotify()) return;
  const shown = new Notification("Kiln", { body: text, tag: id });
  shown.addEventListener("click", () => {
    window.focus();
    open();
  });
}

function drawSwitch() {
  const button = find("notify");
  button.hidden = !("Notification" in window);
  button.setAttribute("aria-pressed", String(mayNotify()));
  button.replaceChildren(icon("notice"));
}

async function toggle(say) {
  if (mayNotify()) localStorage.setItem(STORAGE_NAME, "off");
  else {
    localStorage.setItem(STORAGE_NAME, "on");
    await Notification.requestPermission();
  }
  drawSwitch();
  say(t(mayNotify() ? "notify_on" : Notification.permission === "denied" ? "notify_denied" : "notify_off"));
}

function drawNetwork() {
  const text = !navigator.onLine ? t("offline") : slow ? t("slow_network") : "";
  if (find("network").textContent !== text) find("network").textContent = text;
}

/** Draws the title and the network's state again in the chosen language. */
export function redraw() {
  drawTitle();
  drawNetwork();
}

/** Starts the notices. */
export function start(say) {
  drawSwitch();
  find("notify").addEventListener("click", () => toggle(say));
  document.addEventListener("kiln:slow", ({ detail }) => {
    slow = detail;
    drawNetwork();
  });
  addEventListener("online", drawNetwork);
  addEventListener("offline", drawNetwork);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) news = "";
    drawTitle();
  });
  drawNetwork();
}
