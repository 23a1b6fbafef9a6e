// Writes each snippet of the README as a module beside the tests, so that it is checked with their types.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const folder = new URL("snippets/", import.meta.url);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);

const known = `import { createApi, createClient, ProblemError, UnauthorizedError, type RealtimeClient } from "@realtimestack/client";
declare const client: RealtimeClient;
void [createApi, createClient, ProblemError, UnauthorizedError, client];
`;
const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const snippets = [...text.matchAll(/^```(tsx?)\n(.*?)^```$/gms)];
if (snippets.length === 0) throw new Error("README.md has no snippets");
for (const [index, [, kind, code]] of snippets.entries()) {
  const isWhole = code.includes("import ");
  writeFileSync(new URL(`${index + 1}.${kind}`, folder), isWhole ? code : `${known}\n${code}`);
}
