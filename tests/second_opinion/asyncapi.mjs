// Prints what the AsyncAPI parser finds wrong in a document; exits with 1 if there is an error.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [tools, file] = process.argv.slice(2);
const { Parser } = createRequire(`${tools}/`)("@asyncapi/parser");
const { diagnostics } = await new Parser().parse(readFileSync(file, "utf8"), { source: file });
const errors = diagnostics.filter((each) => each.severity === 0);
for (const each of errors) console.log(each.path.join("."), each.message);
process.exit(errors.length ? 1 : 0);
