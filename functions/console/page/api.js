// Kiln's API as the page calls it: the key, the calls, and refusals as errors that know their field.

const BASE = new URL("./", document.baseURI);
const TASKS = "v1/images/multi-image2image";
const KEPT = "kiln-key";
const PATIENCE_MS = 30_000;

/** What the API refused, or that it could not be reached (status 0). */
export class Refusal extends Error {
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }

  /** The field that the message begins with, as a caller writes it, and the number in a list. */
  get field() {
    if (this.message.startsWith("External_task_id ")) return { name: "external_task_id", number: 0, said: this.message };
    const [, name, number, said] = /^([a-z_]+)(?:\[(\d+)\])?(?:\.\w+)*: (.*)$/s.exec(this.message) ?? [];
    return name ? { name, number: Number(number ?? 0), said } : null;
  }
}

// The tab's own storage: another tab, and tomorrow's, knows nothing of it.
export const key = {
  get: () => sessionStorage.getItem(KEPT),
  set: (value) => sessionStorage.setItem(KEPT, value),
  forget: () => sessionStorage.removeItem(KEPT),
};

async function call(method, path, { body, headers = {}, signal, as = key.get() } = {}) {
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), {
      method,
      body,
      cache: "no-store",
      signal: signal ?? AbortSignal.timeout(PATIENCE_MS),
      headers: { Authorization: `Bearer ${as}`, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    });
  } catch (error) {
    throw new Refusal(0, 0, error.message);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok || said.code !== 0) {
    const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
    throw new Refusal(answer.status, said.code, said.message ?? `HTTP ${answer.status}`, retryAfter);
  }
  return said.data;
}

const one = (id, rest = "") => `${TASKS}/${encodeURIComponent(id)}${rest}`;

export const list = (filters, as) => call("GET", `${TASKS}?${new URLSearchParams(filters)}`, { as });
export const get = (id) => call("GET", one(id));
export const progress = (id) => call("GET", one(id, "/progress"));
export const request = (id) => call("GET", one(id, "/request"));
export const cancel = (id) => call("POST", one(id, "/cancel"));
export const retry = (id, once) => call("POST", one(id, "/retry"), { headers: { "Idempotency-Key": once } });
export const create = (body, once) =>
  call("POST", TASKS, { body: JSON.stringify(body), headers: { "Idempotency-Key": once }, signal: AbortSignal.timeout(120_000) });

/** Uploads an image ahead of the request, straight to S3, and gives the reference to use in its place. */
export async function upload(file) {
  const place = await call("POST", "v1/uploads");
  const form = new FormData();
  for (const [name, value] of Object.entries(place.fields)) form.append(name, value);
  form.append("file", file);
  const answer = await fetch(place.url, { method: "POST", body: form }).catch((error) => {
    throw new Refusal(0, 0, error.message);
  });
  if (!answer.ok) throw new Refusal(answer.status, 0, `HTTP ${answer.status}`);
  return place.reference;
}

/** A result's link on the host that the page itself came from, whatever name of Kiln's the link was made with. */
export function link(url) {
  const at = url.indexOf("/v1/results/");
  return at < 0 ? url : new URL(url.slice(at + 1), BASE).href;
}

/**
 * The bytes of an image. Never from the browser's cache: what an <img> has left there came without CORS, and is refused.
 */
export async function picture(url) {
  const answer = await fetch(link(url), { cache: "no-store" }).catch((error) => {
    throw new Refusal(0, 0, error.message);
  });
  if (!answer.ok) throw new Refusal(answer.status, 0, `HTTP ${answer.status}`);
  return answer.blob();
}

/** Where the API is, and the address that tasks are created at. */
export const address = BASE.href.replace(/\/$/, "");
export const tasksPath = `/${TASKS}`;

/** A value to be used once, by which a repeated request is known for the same. */
export const once = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
