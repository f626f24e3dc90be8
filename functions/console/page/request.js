// The request of a draft: as the form shows it, as a curl command, and as it is sent.

import * as api from "./api.js";
import { t } from "./strings.js";
import { size } from "./times.js";

// A request can hold 6 MB in all, and Base64 turns 3 bytes into 4 characters.
const INLINE_CHARACTERS = 4_500_000;

const characters = (file) => Math.ceil(file.size / 3) * 4;

/** Maps each picture of a draft, in the contract's order, to whether it is uploaded before the request. */
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

/** The settings of a draft, with its scene and style, as fields of a request. */
function settings(draft, written) {
  const body = { model_name: draft.model };
  if (draft.prompt) body.prompt = draft.prompt;
  if (draft.scene[0]) body.scene_image = written(draft.scene[0]);
  if (draft.style[0]) body.style_image = written(draft.style[0]);
  Object.assign(body, { n: draft.n, aspect_ratio: draft.ratio });
  if (draft.watermark) body.watermark_info = { enabled: true };
  if (draft.callback) body.callback_url = draft.callback;
  return body;
}

/** Returns the body of the request, of one task or of a batch; `written(image)` returns the value for a picture. */
export function bodyOf(draft, written) {
  const subjects = draft.subjects.map((image) => ({ subject_image: written(image) }));
  const common = settings(draft, written);
  if (draft.isEach) return { jobs: subjects.map((each) => ({ subject_image_list: [each] })), defaults: common };
  return { ...common, subject_image_list: subjects, ...(draft.external ? { external_task_id: draft.external } : {}) };
}

const pathOf = (draft) => (draft.isEach ? api.batchesPath : api.tasksPath);

/** Returns the request as the form shows it, with a short description for each picture. */
export function shown(draft) {
  const ahead = plan(draft);
  const written = (image) => {
    if (image.address) return image.address;
    return ahead.get(image) ? `kiln-upload://… (${image.name}, ${size(image.file.size)})` : `Base64 (${image.name}, ${size(image.file.size)})`;
  };
  return `POST ${api.address}${pathOf(draft)}\n${JSON.stringify(bodyOf(draft, written), null, 2)}`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const UPLOAD = `upload() {  # uploads an image that is too large for the request, and prints its reference
  upload=$(curl -sS -X POST "$KILN_URL/v1/uploads" -H "Authorization: Bearer $KILN_KEY")
  printf %s "$upload" | python3 -c 'import json, sys; upload = json.load(sys.stdin)["data"]
print("url =", json.dumps(upload["url"])); [print("form-string =", json.dumps(k + "=" + v)) for k, v in upload["fields"].items()]' |
    curl -sS -o /dev/null --config - -F "file=@$1"
  printf %s "$upload" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["reference"])'
}
`;

/** Returns a shell command that sends the same request. It reads the files from the current folder. */
export function curl(draft) {
  const ahead = plan(draft);
  const commands = [];
  // A control character marks the position of a command; JSON escapes it, so that it is found and replaced below.
  const written = (image) => {
    if (image.address) return image.address;
    const file = quoted(image.name);
    commands.push(ahead.get(image) ? `$(upload ${file})` : `$(base64 < ${file} | tr -d '\\n')`);
    return `\u0001${commands.length - 1}\u0001`;
  };
  const json = JSON.stringify(bodyOf(draft, written), null, 2)
    // The shell interprets a backslash, a dollar and a backquote in a here-document, so they are escaped.
    .replace(/[\\$\x60]/g, "\\$&")
    .replace(/\\\\u0001(\d+)\\\\u0001/g, (_, number) => commands[number]);
  const upload = [...ahead.values()].includes(true) ? UPLOAD : "";
  return `KILN_URL=${api.address}\n${upload}curl -sS "$KILN_URL${pathOf(draft)}" -H "Authorization: Bearer $KILN_KEY" -H "Content-Type: application/json" -d @- <<BODY\n${json}\nBODY\n`;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new api.Refusal(0, 0, reader.error.message));
    reader.readAsDataURL(file);
  });
}

/** Uploads large pictures, then sends the request; `onStep` is called with a sentence for each step. */
export async function send(draft, once, onStep) {
  const ahead = plan(draft);
  const large = [...ahead].filter(([, isAhead]) => isAhead).map(([image]) => image);
  const words = new Map();
  for (const [number, image] of large.entries()) {
    onStep(t("uploading", number + 1, large.length));
    // The reference stays with the picture, so that a second attempt does not upload it again.
    image.reference ??= await api.upload(image.file);
    words.set(image, image.reference);
  }
  onStep(t("sending"));
  for (const image of ahead.keys()) {
    if (image.address) words.set(image, image.address);
    else if (!words.has(image)) words.set(image, await base64(image.file));
  }
  const body = bodyOf(draft, (image) => words.get(image));
  return draft.isEach ? api.createBatch(body, once) : api.create(body, once);
}
