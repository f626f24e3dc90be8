// Kiln's API as the page calls it: the key, the calls, and refusals as errors.

const BASE = new URL("./", document.baseURI);
const TASKS = "v1/images/multi-image2image";
const BATCHES = "v1/batches";
const STORAGE_NAME = "kiln-key";
const TIMEOUT_MS = 30_000;
const CREATE_TIMEOUT_MS = 120_000;
// A query that has no answer after this time is said to be slow.
const SLOW_MS = 1_500;

/** A call that failed: the API refused it, or did not answer (status 0). messages.js makes sentences of it. */
export class Refusal extends Error {
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

// In the tab's storage: another tab cannot read it, and closing the tab removes it.
export const key = {
  get: () => sessionStorage.getItem(STORAGE_NAME),
  set: (value) => sessionStorage.setItem(STORAGE_NAME, value),
  forget: () => sessionStorage.removeItem(STORAGE_NAME),
};

let slow = 0;

function countSlow(more) {
  slow += more;
  document.dispatchEvent(new CustomEvent("kiln:slow", { detail: slow }));
}

/** Watches a query. Returns a function to call at its end. */
function watch() {
  let isSlow = false;
  const timer = setTimeout(() => {
    isSlow = true;
    countSlow(1);
  }, SLOW_MS);
  return () => {
    clearTimeout(timer);
    if (isSlow) countSlow(-1);
  };
}

async function call(method, path, { body, headers = {}, signal, keepalive = false, as = key.get() } = {}) {
  let answer;
  const done = method === "GET" ? watch() : () => {};
  try {
    answer = await fetch(new URL(path, BASE), {
      method,
      body,
      keepalive,
      cache: "no-store",
      signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
      headers: { Authorization: `Bearer ${as}`, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    });
  } catch (error) {
    throw new Refusal(0, 0, error.message);
  } finally {
    done();
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok || content.code !== 0) {
    const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
    throw new Refusal(answer.status, content.code, content.message ?? `HTTP ${answer.status}`, retryAfter);
  }
  const ignored = answer.headers.get("Kiln-Ignored-Fields");
  if (ignored) content.data.ignored = decodeURIComponent(ignored);
  // Only a search has it: the value of created_before that continues the search in older tasks.
  const before = answer.headers.get("Kiln-Created-Before");
  if (before) content.data.createdBefore = Number(before);
  return content.data;
}

/** The path of a task, or of a part of it. An external id that does not fit into a path is a parameter. */
function one(id, rest = "") {
  const name = encodeURIComponent(id);
  const fits = /^[\w.~%-]+$/.test(name) && !/%2F|%5C|%[01]|%7F|%25/i.test(name) && ![".", "..", "-"].includes(id);
  return fits ? `${TASKS}/${name}${rest}` : `${TASKS}/-${rest}?external_task_id=${name}`;
}

export const list = (filters, as) => call("GET", `${TASKS}?${new URLSearchParams(filters)}`, { as });
export const get = (id) => call("GET", one(id));
export const progress = (id) => call("GET", one(id, "/progress"));
export const request = (id) => call("GET", one(id, "/request"));
export const deliveries = (id) => call("GET", one(id, "/deliveries"));
// The browser sends it although the page is left.
export const remove = (id) => call("DELETE", one(id), { keepalive: true });
export const usage = (from, to) => call("GET", `v1/usage?from=${from}&to=${to}`);
export const costs = () => call("GET", "account/costs");
export const cancel = (id) => call("POST", one(id, "/cancel"));
export const retry = (id, once) => call("POST", one(id, "/retry"), { headers: { "Idempotency-Key": once } });
export const create = (body, once) =>
  call("POST", TASKS, { body: JSON.stringify(body), headers: { "Idempotency-Key": once }, signal: AbortSignal.timeout(CREATE_TIMEOUT_MS) });

export const createBatch = (body, once) =>
  call("POST", BATCHES, { body: JSON.stringify(body), headers: { "Idempotency-Key": once }, signal: AbortSignal.timeout(CREATE_TIMEOUT_MS) });

/** Uploads an image to S3 before the request is sent. Returns the reference to send instead of the image. */
export async function upload(file) {
  const target = await call("POST", "v1/uploads");
  const form = new FormData();
  for (const [name, value] of Object.entries(target.fields)) form.append(name, value);
  form.append("file", file);
  const answer = await fetch(target.url, { method: "POST", body: form }).catch((error) => {
    throw new Refusal(0, 0, error.message);
  });
  if (!answer.ok) throw new Refusal(answer.status, 0, `HTTP ${answer.status}`);
  return target.reference;
}

/** The link of a result, on the host that served this page: the link may have been made for another name of Kiln. */
export function link(url) {
  const at = url.indexOf("/v1/results/");
  return at < 0 ? url : new URL(url.slice(at + 1), BASE).href;
}

/**
 * Returns the bytes of an image. Bypasses the browser's cache: an <img> loads without CORS, so that its cached answer is refused here.
 */
export async function picture(url) {
  const answer = await fetch(link(url), { cache: "no-store" }).catch((error) => {
    throw new Refusal(0, 0, error.message);
  });
  if (!answer.ok) throw new Refusal(answer.status, 0, `HTTP ${answer.status}`);
  return answer.blob();
}

/** The address of the API, and the paths that tasks and batches are created at. */
export const address = BASE.href.replace(/\/$/, "");
export const tasksPath = `/${TASKS}`;
export const batchesPath = `/${BATCHES}`;

/** Returns a new idempotency key: requests that carry the same key make one task. */
export const once = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
