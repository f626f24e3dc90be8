// The format of a file by its first bytes, and whether its end is there. Pixels are not decoded.

// The first bytes of a format, their place in the file, and the format's name.
const FORMATS = [
  ["\x89PNG\r\n\x1a\n", 0, "PNG"],
  ["\xff\xd8\xff", 0, "JPEG"],
  ["GIF8", 0, "GIF"],
  ["WEBP", 8, "WebP"],
  ["BM", 0, "BMP"],
  ["II*\0", 0, "TIFF"],
  ["MM\0*", 0, "TIFF"],
  ["ftypheic", 4, "HEIC"],
  ["ftypheix", 4, "HEIC"],
  ["ftypavif", 4, "AVIF"],
  ["ftypavis", 4, "AVIF"],
  ["ftyp", 4, "MP4"],
  ["%PDF", 0, "PDF"],
  ["8BPS", 0, "Photoshop"],
  ["PK\x03\x04", 0, "ZIP"],
  ["jP  ", 4, "JPEG 2000"],
];

const text = (bytes, from, length) => String.fromCharCode(...bytes.subarray(from, from + length));

/** The name of a file's format; null if it is not known. */
export function formatOf(bytes) {
  const found = FORMATS.find(([beginning, at]) => text(bytes, at, beginning.length) === beginning)?.[2] ?? null;
  const begins = found ?? text(bytes, 0, 1024).trimStart().toLowerCase();
  if (found === "PNG" && text(bytes, 12, 4) === "CgBI") return "iPhone PNG";
  // These brands stand for HEIC and AVIF; the compatible brands tell which.
  if (found === "MP4" && /^(mif1|msf1)/.test(text(bytes, 8, 4))) return text(bytes, 16, 32).includes("avif") ? "AVIF" : "HEIC";
  if (found) return found;
  if (/<svg[\s>]/.test(begins)) return "SVG";
  return /^(\u00ef\u00bb\u00bf)?<(!doctype html|html)/.test(begins) ? "HTML" : null;
}

function isWholePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) return false;
    if (text(bytes, at + 4, 4) === "IEND") return true;
    at = end;
  }
  return false;
}

function isWholeJpeg(bytes) {
  let at = 2;
  // Metadata can hold a small JPEG with its own end, so the search begins behind the picture's own scan.
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    at += bytes[at + 1] === 0xff ? 1 : 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  for (let end = bytes.indexOf(0xff, at); end >= 0 && end + 1 < bytes.length; end = bytes.indexOf(0xff, end + 1)) {
    if (bytes[end + 1] === 0xd9) return true;
  }
  return false;
}

/** Whether a PNG or JPEG has its end. */
export const isWhole = (bytes, format) => (format === "PNG" ? isWholePng(bytes) : isWholeJpeg(bytes));
