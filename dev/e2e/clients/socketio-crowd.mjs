// Drives many official Socket.IO clients. Argument: {"run", "clients": [{"url", "transports", "channels"?}]}. Each line that comes in is answered
// by one line of JSON: for "counts" how many notifications of the run each client has, for "report" everything that became of each client.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const given = JSON.parse(process.argv.slice(1).filter((argument) => argument !== "--")[0]);

function open({ url, transports, channels }) {
  const record = { received: [], opened: 0, recovered: 0, transport: null, ended: [], gaps: [], refused: null, offset: null };
  // What an application does that wants to miss nothing: it keeps the last offset, for when the server has forgotten the client.
  const auth = (answer) => answer({ ...(channels ? { channels } : {}), ...(record.offset ? { resume: record.offset } : {}) });
  const socket = io(url, { transports, auth, forceNew: true });
  socket.on("connect", () => {
    record.opened += 1;
    record.recovered += socket.recovered ? 1 : 0;
    record.transport = socket.io.engine.transport.name;
  });
  socket.io.on("open", () => socket.io.engine.on("upgrade", (transport) => (record.transport = transport.name)));
  socket.on("connect_error", (error) => {
    if (!socket.active) record.refused = error.message;
  });
  socket.on("disconnect", (reason) => {
    record.ended.push({ at: Date.now(), reason });
    if (!socket.active) record.refused = reason;
  });
  socket.onAny((event, ...values) => {
    if (typeof values.at(-1) === "string" && values.length > 1) record.offset = values.at(-1);
    if (event === "gap") record.gaps.push(JSON.stringify(values[0]));
    if (event !== "notification") return;
    const [run, number] = values[0].message.split("-");
    if (run === given.run) record.received.push(Number(number));
  });
  return record;
}

const records = given.clients.map(open);
const answers = {
  counts: () => records.map(({ received, opened }) => ({ received: received.length, opened })),
  report: () => records,
};
const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit());
lines.on("line", (line) => console.log(JSON.stringify(answers[JSON.parse(line)]())));
