// Drives a client of our own package. What it tells goes out and what it is to do comes in, each as one line of JSON. Argument: {"package": folder,
// "options": those of createClient, "connects": whether it does so at once}. With "sign" in the options its token function makes tokens with that
// {"secret", "claims", "seconds": how long each is good, one after the other, and then the last of these}.
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { EventSource } from "eventsource";

const given = JSON.parse(process.argv.slice(1).filter((argument) => argument !== "--")[0]);
const { createClient } = await import(pathToFileURL(`${given.package}/dist/index.js`).href);
const print = (event, data, more) => console.log(JSON.stringify({ event, data, ...more }));
const told = ({ name, message, code, status, field, dependency }) => ({ name, message, code, status, field, dependency });

const { sign, ...options } = given.options;
if (sign) options.token = signed;
let tokens = 0;

function signed() {
  const seconds = sign.seconds[Math.min(tokens, sign.seconds.length - 1)];
  tokens += 1;
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { ...sign.claims, exp: Math.floor(Date.now() / 1000) + seconds };
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", sign.secret).update(text).digest("base64url")}`;
}

const client = createClient({ ...options, eventSource: EventSource });
let status = client.state.status;
client.on("state", (state) => {
  print("state", { ...state, ...(state.error ? { error: told(state.error) } : {}) });
  if (state.status === "connected" && status !== "connected") print("ready", state);
  status = state.status;
});
client.on("notification", (notification, arrival) => print("notification", notification, { arrival }));
for (const event of ["cut", "resumed", "gap", "expiring"]) client.on(event, (value) => print(event, value));
client.on("error", (error) => print("refused", told(error)));

// Everything of a list that goes on by itself.
async function all(items) {
  const taken = [];
  for await (const item of items) taken.push(item);
  return taken;
}

async function answer({ number, of, method, arguments: values }) {
  try {
    const result = of === "api" ? client.api[method](...values) : client[method](...values);
    print("answer", number, { result: await (result?.[Symbol.asyncIterator] ? all(result) : result) });
  } catch (error) {
    print("answer", number, { error: told(error) });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit());
lines.on("line", (line) => void answer(JSON.parse(line)));
if (given.connects) client.connect();
else print("ready", null);
