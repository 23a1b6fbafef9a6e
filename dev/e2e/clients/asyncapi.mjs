// Judges an AsyncAPI document at an address, by the official parser, and prints what it says.
import { Parser } from "@asyncapi/parser";

const [url] = process.argv.slice(1).filter((argument) => argument !== "--");
const answer = await fetch(url);
const { document, diagnostics } = await new Parser().parse(await answer.text());
const channels = document ? document.allChannels().all().map((channel) => channel.address()) : [];
console.log(JSON.stringify({ event: "judged", data: { channels, diagnostics } }));
