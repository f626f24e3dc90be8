// Builds elements. Text is set as text, so that nothing from a caller or the API is read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. `class`, `data-*`, `aria-*` and `role` become attributes; `on…` functions become listeners. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-") && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const STROKES = {
  add: ["M12 5v14", "M5 12h14"],
  alert: ["M12 8v5", "M12 16.5v.5", "M12 3.5 2.8 20h18.4z"],
  archive: ["M4 8h16v12H4z", "M3 4h18v4H3z", "M10 12h4"],
  notice: ["M6 17h12l-1.5-2.5V10a4.5 4.5 0 0 0-9 0v4.5z", "M10.5 20h3"],
  bin: ["M4.5 7h15", "M9.5 7V4h5v3", "m6.5 7 .8 13h9.4l.8-13", "M10 11v5.5M14 11v5.5"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  close: ["m6 6 12 12", "M18 6 6 18"],
  copy: ["M9 9h11v11H9z", "M5 15H4V4h11v1"],
  down: ["M12 4v11", "m7 11 5 5 5-5", "M5 20h14"],
  edit: ["M4 20l1-4.5L16 4.5l3.5 3.5-11 11z", "m13.5 7 3.5 3.5"],
  left: ["m14.5 5-7 7 7 7"],
  link: ["M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700l-1 1", "M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1-1"],
  moon: ["M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z"],
  out: ["M10 4H5v16h5", "M10 12h10", "m16 8 4 4-4 4"],
  picture: ["M4 5h16v14H4z", "m4 16 5-5 4 4 3-3 4 4", "M15.5 9.5v.01"],
  right: ["m9.5 5 7 7-7 7"],
  star: ["m12 3.800 2.500 5.200 5.700.800-4.100 4 1 5.700-5.100-2.700-5.100 2.700 1-5.700-4.100-4 5.700-.800z"],
  sun: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8", "M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3 19 19M19 5l-1.7 1.7M6.7 17.3 5 19"],
  zoom: ["M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13", "m15.5 15.5 5 5", "M10.5 8v5M8 10.5h5"],
};

/** Draws an icon in the colour of the text; screen readers skip it. */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("class", "drawn");
  drawn.setAttribute("aria-hidden", "true");
  for (const stroke of STROKES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", stroke);
    drawn.append(path);
  }
  return drawn;
}

export const find = (id) => document.getElementById(id);

/** Moves Undo and the sentence below it into the open dialog, as everything outside the dialog is inert, or back to the page. */
export function float() {
  const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  const floating = [find("undo"), find("toast")];
  if (floating.some((each) => each.parentElement !== place)) place.append(...floating);
}

/** Asks a question with a few answers, each with its name, label and meaning. Returns the name of the chosen one; null for none. */
export function ask(question, answers, cancel) {
  const dialog = find("ask");
  return new Promise((resolve) => {
    let chosen = null;
    const buttons = answers.map(([name, label, meaning]) => make("button", { type: "button", class: "answer", onclick: () => {
      chosen = name;
      dialog.close();
    } }, make("strong", {}, label), make("small", {}, meaning)));
    dialog.replaceChildren(make("h2", { id: "ask-title" }, question), ...buttons, make("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, cancel));
    dialog.addEventListener("close", () => {
      float();
      resolve(chosen);
    }, { once: true });
    dialog.showModal();
  });
}

let clearing;

/** Shows a sentence for six seconds; screen readers read it out. */
export function say(text) {
  const toast = find("toast");
  float();
  toast.textContent = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => toast.replaceChildren(), 6000);
}
