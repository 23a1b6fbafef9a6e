// Drives one official Socket.IO client. What it receives goes out and what it is to do comes in, each as one line of JSON; bytes are written
// as {"base64": text}. Argument: {"url", "transports", "auth"?, "resumes"?}; with "resumes" the client names in "auth" the last offset that it
// has seen, which an application does that wants to miss nothing.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const given = JSON.parse(process.argv.slice(1).filter((argument) => argument !== "--")[0]);

function written(key, value) {
  const raw = this[key];
  if (raw instanceof ArrayBuffer) return { base64: Buffer.from(raw).toString("base64") };
  return Buffer.isBuffer(raw) ? { base64: raw.toString("base64") } : value;
}
const read = (_, value) => (typeof value?.base64 === "string" ? Buffer.from(value.base64, "base64") : value);
const print = (event, data, more) => console.log(JSON.stringify({ event, data, ...more }, written));

let offset;
const auth = (answer) => answer({ ...given.auth, ...(given.resumes && offset ? { resume: offset } : {}) });
const socket = io(given.url, { transports: given.transports, auth });

socket.on("connect", () => {
  print("ready", { id: socket.id, transport: socket.io.engine.transport.name, recovered: socket.recovered });
});
socket.on("connect_error", (error) => print("connect_error", error.message, { active: socket.active }));
socket.on("disconnect", (reason) => print("disconnect", reason, { active: socket.active }));
socket.io.on("open", () => socket.io.engine.on("upgrade", (transport) => print("upgrade", transport.name)));
socket.onAny((event, ...values) => {
  if (typeof values.at(-1) === "string" && values.length > 1) offset = values.at(-1);
  print(event, values[0], { arguments: values });
});

const commands = {
  emit: ({ event, arguments: values }) => socket.emit(event, ...values),
  ask: ({ number, event, arguments: values }) => {
    socket.emit(event, ...values, (...answers) => print("acknowledgement", number, { arguments: answers }));
  },
  cut: () => socket.io.engine.close(),
  disconnect: () => socket.disconnect(),
  connect: () => socket.connect(),
};
const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit());
lines.on("line", (line) => {
  const command = JSON.parse(line, read);
  commands[command.do](command);
});
