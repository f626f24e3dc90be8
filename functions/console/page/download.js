// Saves images: one as a file, several in a zip that is built here. The zip stores them, as images are compressed already.

import * as api from "./api.js";

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ TABLE[(value ^ byte) & 0xff];
  return (value ^ 0xffffffff) >>> 0;
}

/** Returns a record of a zip from pairs of a value and its width in bytes, little-endian. */
function record(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [, width]) => sum + width, 0));
  let at = 0;
  for (const [value, width] of fields) {
    for (let byte = 0; byte < width; byte += 1) bytes[at + byte] = Math.floor(value / 256 ** byte) & 0xff;
    at += width;
  }
  return bytes;
}

const VERSION = 20;
const NAMES_ARE_UTF8 = 0x0800;

/** Returns a zip of files, each with a name and its bytes. */
export function zip(files, now = new Date()) {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const date = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const named = new TextEncoder().encode(name);
    const shared = [
      [VERSION, 2], [NAMES_ARE_UTF8, 2], [0, 2], [time, 2], [date, 2],
      [checksum(bytes), 4], [bytes.length, 4], [bytes.length, 4], [named.length, 2], [0, 2],
    ];
    const head = record([0x04034b50, 4], ...shared);
    parts.push(head, named, bytes);
    directory.push(record([0x02014b50, 4], [VERSION, 2], ...shared, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), named);
    offset += head.length + named.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [length, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

function offer(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  Object.assign(anchor, { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const nameOf = (task) => (task.task_info.external_task_id || task.task_id).replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80);
const extension = (image) => /\.\w+$/.exec(new URL(api.link(image.url)).pathname)?.[0] ?? ".png";

/** Saves one image of a task. */
export async function one(task, image) {
  offer(await api.picture(image.url), `${nameOf(task)}-${image.index}${extension(image)}`);
}

/** Saves all images of a task; `onProgress(number, count)` is called before each download. */
export async function all(task, onProgress = () => {}) {
  const images = task.task_result.images;
  if (images.length === 1) {
    await one(task, images[0]);
    return;
  }
  const files = [];
  for (const [number, image] of images.entries()) {
    onProgress(number + 1, images.length);
    const bytes = new Uint8Array(await (await api.picture(image.url)).arrayBuffer());
    files.push({ name: `${nameOf(task)}-${image.index}${extension(image)}`, bytes });
  }
  offer(zip(files), `${nameOf(task)}.zip`);
}
