// Prints each event that the official Socket.IO client receives as one line of JSON. Arguments: URL, transport.
import { io } from "socket.io-client";

const [url, transport] = process.argv.slice(1).filter((argument) => argument !== "--");
const print = (event, data) => console.log(JSON.stringify({ event, data }));

const socket = io(url, { transports: [transport] });
socket.on("connect", () => print("ready", { id: socket.id, transport: socket.io.engine.transport.name }));
socket.on("connect_error", (error) => print("connect_error", error.message));
socket.on("disconnect", (reason) => print("disconnect", reason));
socket.onAny((event, data) => print(event, data));
