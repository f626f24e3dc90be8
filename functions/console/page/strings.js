// The chosen language, and the page's sentences in it. The sentences are in en.js and zh.js.

import en from "./en.js";
import zh from "./zh.js";

const LANGUAGES = { en, zh };
const STORAGE_NAME = "kiln-language";

function preferred() {
  const chosen = localStorage.getItem(STORAGE_NAME);
  if (chosen in LANGUAGES) return chosen;
  return (navigator.languages ?? [navigator.language]).find((each) => each.slice(0, 2) in LANGUAGES)?.slice(0, 2) ?? "en";
}

let language = preferred();

/** The language in use, as HTML names it. */
export const tag = () => (language === "zh" ? "zh-Hans" : "en");

/** The locale for dates: the reader's own, if it is of the chosen language. */
export const locale = () => (navigator.languages ?? [navigator.language]).find((each) => each.slice(0, 2) === language) ?? tag();

/** Returns a sentence by its name. A sentence with values to fill in is a function of them. */
export function t(name, ...values) {
  const text = LANGUAGES[language][name];
  return typeof text === "function" ? text(...values) : text;
}

/** Switches to the other language and remembers it. */
export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem(STORAGE_NAME, language);
}

/** Fills in the sentences that elements name in data-t, data-t-label and data-t-placeholder. */
export function translate(root = document) {
  document.documentElement.lang = tag();
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
    if (element.matches("button")) element.title = t(element.dataset.tLabel);
  }
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
}
