// The chosen language, and the texts of the page in it; the texts themselves are in en.js and zh.js.

import en from "./en.js";
import zh from "./zh.js";

const LANGUAGES = { en, zh };
const KEPT = "kiln-language";

function preferred() {
  const kept = localStorage.getItem(KEPT);
  if (kept in LANGUAGES) return kept;
  return (navigator.languages ?? [navigator.language]).find((each) => each.slice(0, 2) in LANGUAGES)?.slice(0, 2) ?? "en";
}

let language = preferred();

/** The language in use, as HTML names it. */
export const tag = () => (language === "zh" ? "zh-Hans" : "en");

/** How dates are written: as where the reader is, of the places that speak the language. */
export const locale = () => (navigator.languages ?? [navigator.language]).find((each) => each.slice(0, 2) === language) ?? tag();

/** The text of this name; a text that has something to fill in is a function of it. */
export function t(name, ...values) {
  const text = LANGUAGES[language][name];
  return typeof text === "function" ? text(...values) : text;
}

/** Changes to the other language, for good. */
export function turn() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem(KEPT, language);
}

/** Fills in the texts that elements ask for by name. */
export function translate(root = document) {
  document.documentElement.lang = tag();
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
    if (element.matches("button")) element.title = t(element.dataset.tLabel);
  }
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
}
