// The content of a drop or a paste: files, the pictures of folders, or addresses of pictures in its text.

const PICTURE = /^image\/|\.(heic|heif)$/i;

const asked = (call) => new Promise((resolve, reject) => call(resolve, reject));

/** The files of an entry: the file itself, or those of the folder and of the folders in it, by their names. */
async function filesOf(entry) {
  if (entry.isFile) return [await asked((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const entries = [];
  for (let some = [null]; some.length; entries.push(...some)) some = await asked((resolve, reject) => reader.readEntries(resolve, reject));
  entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const found = [];
  for (const each of entries) found.push(...(await filesOf(each)));
  return found;
}

/** The addresses of pictures in the text of a transfer. */
const addressesIn = (transfer) => (transfer.getData("text/uri-list") || transfer.getData("text/plain"))
  .split(/\s+/)
  .filter((each) => /^https?:\/\/[^/]/.test(each) && URL.canParse(each));

/** Reads a transfer: its things, and whether a folder was among them. Of a folder only the pictures count. */
export async function read(transfer) {
  // The transfer is empty after its event, so all of it is taken at once.
  const files = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!files.length && !entries.length) return { things: addressesIn(transfer), isFolder: false };
  if (!entries.some((entry) => entry.isDirectory)) return { things: files, isFolder: false };
  const found = [];
  for (const entry of entries) found.push(...(await filesOf(entry)));
  return { things: found.filter((file) => !file.name.startsWith(".") && (PICTURE.test(file.type) || PICTURE.test(file.name))), isFolder: true };
}
