// Prints each event that an EventSource receives as one line of JSON. Argument: URL.
import { EventSource } from "eventsource";

const [url] = process.argv.slice(1).filter((argument) => argument !== "--");
const print = (event, data, id) => console.log(JSON.stringify({ event, data, id }));

const source = new EventSource(url);
source.onopen = () => print("ready", null);
source.onerror = (error) => print("error", { code: error.code, message: error.message });
source.onmessage = (message) => print("message", JSON.parse(message.data), message.lastEventId);
source.addEventListener("gap", (message) => print("gap", JSON.parse(message.data), message.lastEventId));
