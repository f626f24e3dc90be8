// The request that a draft becomes: shown, as a curl command, and sent.

import * as api from "./api.js";
import { t } from "./strings.js";
import { size } from "./times.js";

// A request may bring 6 MB in all, and Base64 makes 4 characters of 3 bytes.
const INLINE_CHARACTERS = 4_500_000;

const characters = (file) => Math.ceil(file.size / 3) * 4;

/** Every picture of a draft in the contract's order, and whether it is uploaded ahead. */
function plan(draft) {
  let room = INLINE_CHARACTERS;
  const ahead = new Map();
  for (const image of [...draft.subjects, ...draft.scene, ...draft.style]) {
    const fits = !image.file || characters(image.file) <= room;
    ahead.set(image, !fits);
    if (image.file && fits) room -= characters(image.file);
  }
  return ahead;
}

/** The body of the request; `written` says what stands for a picture. */
export function bodyOf(draft, written) {
  const body = { model_name: draft.model };
  if (draft.prompt) body.prompt = draft.prompt;
  body.subject_image_list = draft.subjects.map((image) => ({ subject_image: written(image) }));
  if (draft.scene[0]) body.scene_image = written(draft.scene[0]);
  if (draft.style[0]) body.style_image = written(draft.style[0]);
  Object.assign(body, { n: draft.n, aspect_ratio: draft.ratio });
  if (draft.watermark) body.watermark_info = { enabled: true };
  if (draft.callback) body.callback_url = draft.callback;
  if (draft.external) body.external_task_id = draft.external;
  return body;
}

/** The request as it is shown, with short words in place of pictures. */
export function shown(draft) {
  const ahead = plan(draft);
  const written = (image) => {
    if (image.address) return image.address;
    return ahead.get(image) ? `kiln-upload://… (${image.name}, ${size(image.file.size)})` : `Base64 (${image.name}, ${size(image.file.size)})`;
  };
  return `POST ${api.address}${api.tasksPath}\n${JSON.stringify(bodyOf(draft, written), null, 2)}`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const UPLOAD = `upload() {  # an image too big for the request goes ahead; prints its reference
  place=$(curl -sS -X POST "$KILN_URL/v1/uploads" -H "Authorization: Bearer $KILN_KEY")
  printf %s "$place" | python3 -c 'import json, sys; place = json.load(sys.stdin)["data"]
print("url =", json.dumps(place["url"])); [print("form-string =", json.dumps(k + "=" + v)) for k, v in place["fields"].items()]' |
    curl -sS -o /dev/null --config - -F "file=@$1"
  printf %s "$place" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["reference"])'
}
`;

/** A shell command that sends the same request, with the files read where it is run. */
export function curl(draft) {
  const ahead = plan(draft);
  const commands = [];
  // A mark that JSON leaves alone, to be replaced by the command whose output stands there.
  const written = (image) => {
    if (image.address) return image.address;
    const file = quoted(image.name);
    commands.push(ahead.get(image) ? `$(upload ${file})` : `$(base64 < ${file} | tr -d '\\n')`);
    return `\u0001${commands.length - 1}\u0001`;
  };
  const json = JSON.stringify(bodyOf(draft, written), null, 2)
    // In a here-document a backslash, a dollar and a backquote would mean something to the shell.
    .replace(/[\\$\x60]/g, "\\$&")
    .replace(/\\\\u0001(\d+)\\\\u0001/g, (_, number) => commands[number]);
  const upload = [...ahead.values()].includes(true) ? UPLOAD : "";
  return `KILN_URL=${api.address}\n${upload}curl -sS "$KILN_URL${api.tasksPath}" -H "Authorization: Bearer $KILN_KEY" -H "Content-Type: application/json" -d @- <<BODY\n${json}\nBODY\n`;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new api.Refusal(0, 0, reader.error.message));
    reader.readAsDataURL(file);
  });
}

/** Sends the request, large pictures ahead of it; `tell` hears what is being done. */
export async function send(draft, once, tell) {
  const ahead = plan(draft);
  const large = [...ahead].filter(([, isAhead]) => isAhead).map(([image]) => image);
  const words = new Map();
  for (const [number, image] of large.entries()) {
    tell(t("uploading", number + 1, large.length));
    // Kept with the picture: what has been uploaded is not uploaded again after a refusal.
    image.reference ??= await api.upload(image.file);
    words.set(image, image.reference);
  }
  tell(t("sending"));
  for (const image of ahead.keys()) {
    if (image.address) words.set(image, image.address);
    else if (!words.has(image)) words.set(image, await base64(image.file));
  }
  return api.create(bodyOf(draft, (image) => words.get(image)), once);
}
