// Fills the form with the request of a task: its pictures, its prompt and its settings.

import * as api from "./api.js";
import * as compose from "./compose.js";
import { say } from "./elements.js";
import { complaint } from "./messages.js";
import { t } from "./strings.js";

const extensionOf = (url) => /\.\w+$/.exec(new URL(url).pathname)?.[0] ?? "";

/** A picture of a request as the form takes it: the file if it is in the stack's buckets, else its address. */
async function picture(url, name, isOurs) {
  if (!isOurs(url)) return url;
  return new File([await api.picture(url)], `${name}${extensionOf(url)}`);
}

/** Fills the form with the request of a task. Returns whether it could be read. */
export async function reuse(task, isOurs) {
  try {
    const request = await api.request(task.task_id);
    const load = (url, name) => (url ? [picture(url, name, isOurs)] : []);
    const [subjects, scene, style] = await Promise.all([
      Promise.all(request.subject_image_list.map((each, at) => picture(each.subject_image, t("subject_number", at + 1), isOurs))),
      Promise.all(load(request.scene_image, t("scene"))),
      Promise.all(load(request.style_image, t("style"))),
    ]);
    await compose.fill({
      subjects, scene, style,
      prompt: request.prompt, ratio: request.aspect_ratio, n: request.n, model: request.model_name,
      watermark: request.watermark_info.enabled, callback: request.callback_url,
    });
    say(t("reused"));
    return true;
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    if (error.status === 401) document.dispatchEvent(new CustomEvent("kiln:signed-out"));
    say(complaint(error));
    return false;
  }
}
