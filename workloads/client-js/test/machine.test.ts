import assert from "node:assert/strict";
import { test } from "node:test";
import { RealtimeError } from "../dist/errors.js";
import { LONGEST, SHORTEST, START, delay, step, type Effect, type Input, type Machine, type World } from "../dist/machine.js";

const WORLD: World = { chance: 0, renewable: true };

/** Takes the inputs one after the other; gives the last state and what each of them caused. */
function run(inputs: readonly Input[], world: World = WORLD, machine: Machine = START): [Machine, Effect[][]] {
  const caused: Effect[][] = [];
  for (const input of inputs) {
    const [next, effects] = step(machine, input, world);
    machine = next;
    caused.push([...effects]);
  }
  return [machine, caused];
}

const connect: Input = { kind: "connect" };
const token: Input = { kind: "token", token: "t" };
const opened: Input = { kind: "opened", transport: "websocket", recovered: false };
const cut = (lasted: number, returns = false): Input => ({ kind: "cut", reason: "transport close", returns, lasted });
const refused = (code: string, status?: number, after?: number): Input => ({
  kind: "refused",
  error: new RealtimeError("no", code, status),
  ...(after === undefined ? {} : { after }),
});

test("it gets a token, opens, and is open", () => {
  const [machine, caused] = run([connect, token, opened]);
  assert.equal(machine.phase, "open");
  assert.deepEqual(caused, [[{ kind: "fetch", fresh: false }], [{ kind: "open", token: "t" }], []]);
});

test("who connects twice is connected once", () => {
  const [machine, caused] = run([connect, connect, token, connect, opened, connect]);
  assert.equal(machine.phase, "open");
  assert.equal(caused.flat().length, 2);
});

test("a connection that lasted is opened again soon, one that did not later each time", () => {
  const waits = (inputs: readonly Input[]) =>
    run(inputs)[1].flat().flatMap((effect) => (effect.kind === "wait" ? [effect.milliseconds] : []));
  assert.deepEqual(waits([connect, token, opened, cut(60_000)]), [SHORTEST / 2]);
  const short: Input[] = [connect, token, cut(0), { kind: "due" }, token, opened, cut(1), { kind: "due" }, token, cut(0)];
  assert.deepEqual(waits(short), [SHORTEST, SHORTEST * 2, SHORTEST * 4]);
});

test("half of a delay is by chance and none is longer than the longest", () => {
  assert.equal(delay(0, 0), SHORTEST / 2);
  assert.equal(delay(0, 1), SHORTEST);
  assert.equal(delay(1000, 1), LONGEST);
});

test("an expired token is replaced by a new one", () => {
  const [machine, caused] = run([connect, token, refused("TOKEN_EXPIRED", 401), { kind: "due" }]);
  assert.equal(machine.phase, "fetching");
  assert.deepEqual(caused[3], [{ kind: "fetch", fresh: true }]);
  assert.equal(run([token], WORLD, machine)[0].wantsFresh, false);
});

test("an expired token that was given once ends it", () => {
  const [machine, caused] = run([connect, token, refused("TOKEN_EXPIRED", 401)], { chance: 0, renewable: false });
  assert.equal(machine.phase, "closed");
  assert.equal(machine.error?.code, "TOKEN_EXPIRED");
  assert.deepEqual(caused[2], [{ kind: "drop" }]);
});

for (const [code, status] of [["TOKEN_SIGNATURE", 401], ["CHANNEL_FORBIDDEN", 403], ["DISCONNECTED", undefined], ["UNAUTHORIZED", 401]] as const) {
  test(`${code} ends it, with the error`, () => {
    const [machine] = run([connect, token, refused(code, status), { kind: "due" }, { kind: "nudge" }]);
    assert.equal(machine.phase, "closed");
    assert.equal(machine.error?.code, code);
  });
}

for (const [code, status] of [["KEYS_AWAY", 503], ["HTTP_429", 429], ["TOKEN_UNAVAILABLE", undefined]] as const) {
  test(`${code} is tried again, not before the time that was said`, () => {
    const [machine, caused] = run([connect, token, refused(code, status, 9)]);
    assert.equal(machine.phase, "waiting");
    assert.deepEqual(caused[2], [{ kind: "drop" }, { kind: "wait", milliseconds: 9000 }]);
  });
}

test("what comes back by itself is not opened by others", () => {
  const [machine, caused] = run([connect, token, opened, cut(9000, true), opened]);
  assert.equal(machine.phase, "open");
  assert.deepEqual(caused.slice(3), [[], []]);
});

test("the network that is back ends the wait", () => {
  const [machine, caused] = run([connect, token, cut(0), { kind: "nudge" }]);
  assert.equal(machine.phase, "fetching");
  assert.deepEqual(caused[3], [{ kind: "stopWaiting" }, { kind: "fetch", fresh: false }]);
  assert.deepEqual(run([connect, token, opened, { kind: "nudge" }])[1][3], []);
});

test("a token that ends soon is renewed while the connection goes on", () => {
  const [machine, caused] = run([connect, token, opened, { kind: "expiring" }, { kind: "renewed", token: "new" }]);
  assert.equal(machine.phase, "open");
  assert.deepEqual(caused.slice(3), [[{ kind: "renew" }], [{ kind: "present", token: "new" }]]);
  assert.deepEqual(run([connect, token, opened, { kind: "expiring" }], { chance: 0, renewable: false })[1][3], []);
});

test("whatever comes after the end changes nothing", () => {
  const [closed, caused] = run([connect, token, opened, { kind: "close" }]);
  assert.deepEqual(caused[3], [{ kind: "drop" }]);
  const late: Input[] = [token, opened, cut(0), refused("KEYS_AWAY", 503), { kind: "due" }, { kind: "renewed", token: "x" }, { kind: "close" }];
  const [after, effects] = run(late, WORLD, closed);
  assert.equal(after, closed);
  assert.deepEqual(effects.flat(), []);
  assert.equal(run([connect], WORLD, closed)[0].phase, "fetching");
});

test("who leaves while it waits waits no longer", () => {
  assert.deepEqual(run([connect, token, cut(0), { kind: "close" }])[1][3], [{ kind: "stopWaiting" }]);
});

test("no order of inputs leaves the states", () => {
  const inputs: Input[] = [
    connect, { kind: "close" }, token, opened, cut(0), cut(9000, true), refused("KEYS_AWAY", 503), refused("TOKEN_EXPIRED", 401),
    refused("TOKEN_KEY", 401), { kind: "due" }, { kind: "nudge" }, { kind: "expiring" }, { kind: "renewed", token: "n" },
    { kind: "switched", transport: "websocket" },
  ];
  let seed = 7;
  const next = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let machine = START;
  let [open, waits] = [0, 0];
  for (let count = 0; count < 20_000; count += 1) {
    const [after, effects] = step(machine, inputs[Math.floor(next() * inputs.length)]!, { chance: next(), renewable: next() < 0.5 });
    for (const { kind } of effects) {
      open += kind === "open" ? 1 : kind === "drop" ? -1 : 0;
      waits += kind === "wait" ? 1 : kind === "stopWaiting" ? -1 : 0;
    }
    // A timer that has run out is gone; a transport that was cut is gone, too.
    if (machine.phase === "waiting" && after.phase === "fetching" && effects.length === 1) waits -= 1;
    if (after.phase === "waiting" && effects.length === 1) open -= machine.phase === "fetching" ? 0 : 1;
    assert.equal(waits, after.phase === "waiting" ? 1 : 0, `waits in ${after.phase}`);
    assert.equal(open, ["opening", "open", "returning"].includes(after.phase) ? 1 : 0, `transports in ${after.phase}`);
    machine = after;
  }
});
