// The API's messages as sentences for people: the field by its name on the page, and the reason in the page's language.
// A message that is not known here is shown as the API wrote it.

import { t } from "./strings.js";

const FIELDS = {
  subject_image_list: (number) => t("subject_number", number + 1),
  scene_image: () => t("scene"),
  style_image: () => t("style"),
  prompt: () => t("prompt"),
  aspect_ratio: () => t("ratio"),
  n: () => t("number"),
  model_name: () => t("model"),
  external_task_id: () => t("external"),
  callback_url: () => t("callback"),
};

// A pattern of the API's message, and the name of the page's sentence for it. The pattern's groups are its values.
const REASONS = [
  [/^External_task_id (.+) already exists$/s, "why_id_taken"],
  [/^too many requests: at most (\d+) tasks/, "why_too_many_tasks"],
  [/^the budget is used up: \S+ of (\d+) units this month; the next month begins at (\S+)T/, "why_budget_used"],
  [/must be at most (\d+), the tasks of a minute/, "why_batch_too_long"],
  [/cannot be cancelled: it is being generated/, "why_not_cancelled"],
  [/could not be fetched: .*(?:not known|name resolution|nodename|No address)/is, "why_not_found"],
  [/could not be fetched within/, "why_not_in_time"],
  [/could not be fetched/, "why_not_downloaded"],
  [/must be an http\(s\) URL/, "why_not_http"],
  [/must be an https URL/, "why_not_https"],
  [/private, link-local or otherwise internal/, "why_not_public"],
  [/must be a jpg, jpeg or png image/, "not_an_image"],
  [/must be a (?:readable|whole, undamaged) image/, "unreadable_image"],
  [/each side must be at least .* got (\d+) x (\d+) px/, "too_small"],
  [/width to height must be .* got (\d+) x (\d+) px/, "too_long"],
  [/must be at most (\d+) characters/, "why_too_long"],
];

function reason(text) {
  for (const [pattern, name] of REASONS) {
    const found = pattern.exec(text);
    if (found) return t(name, ...found.slice(1));
  }
  return null;
}

/** The field that a message is about, its number in a list, and the sentence to show beside it; null without a field. */
export function fieldOf(message) {
  if (message.startsWith("External_task_id ")) return { name: "external_task_id", number: 0, text: reason(message) ?? message };
  const [, name, index, rest] = /^([a-z_]+)(?:\[(\d+)\])?(?:\.\w+)*: (.*)$/s.exec(message) ?? [];
  return name ? { name, number: Number(index ?? 0), text: reason(rest) ?? rest } : null;
}

/** A message as a sentence that can be read anywhere on the page; null when it is not known. */
function known(message) {
  const found = fieldOf(message);
  if (!found || !(found.name in FIELDS) || message.startsWith("External_task_id ")) return reason(message);
  return t("field_says", FIELDS[found.name](found.number), found.text);
}

/** Why a task failed, or has not been accepted yet. */
export const explained = (message) => known(message) ?? message;

/** Why a call failed; `unreachable` is the name of the sentence for a call that got no answer. */
export function complaint(error, unreachable = "unreachable_now") {
  return error.status ? (known(error.message) ?? t("refused", error.message)) : t(unreachable);
}
