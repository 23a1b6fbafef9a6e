// Drives the console in Chromium. What it is to do comes in and what came of it goes out, each as one line of JSON. Argument: {"url", "chromium",
// "screenshots"}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv.slice(1).filter((argument) => argument !== "--")[0]);
const axe = readFileSync(createRequire(join(process.cwd(), "axe.cjs")).resolve("axe-core/axe.min.js"), "utf8");
// Root has no sandbox; the pages are our own.
const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-proxy-server"];
const browser = await chromium.launch({ executablePath: given.chromium, args });
const pages = new Map();

async function open({ page: name, scheme = "light", width = 1440, height = 1000, status = "connected" }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  const page = await context.newPage();
  const told = { page, elsewhere: [], errors: [] };
  pages.set(name, told);
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    const here = new URL(given.url).origin;
    if (protocol.startsWith("http") && origin !== here) told.elsewhere.push(request.url());
  });
  page.on("pageerror", (error) => told.errors.push(error.message));
  page.on("console", (message) => {
    // The network's failures while instances go are what the page lives with; a policy that is broken is its own fault.
    if (message.type() === "error" && /Content Security Policy/.test(message.text())) told.errors.push(message.text());
  });
  const answer = await page.goto(given.url);
  await page.waitForSelector(`[data-status="${status}"]`, { timeout: 20_000 });
  return { status: answer.status(), type: answer.headers()["content-type"], policy: answer.headers()["content-security-policy"] };
}

const of = ({ page }) => pages.get(page).page;

/** Presses Tab until the focus is on what matches, as who has no mouse does. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 80; presses += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`80 presses of Tab do not lead to ${selector}`);
}

const commands = {
  open,
  // What asks for a token, once it says why in these words.
  gate: async (command) => {
    const gate = of(command).locator(".gate").filter({ hasText: command.why });
    await gate.waitFor({ timeout: 55_000 });
    return {
      heading: await gate.getByRole("heading").innerText(),
      kind: await gate.locator('input[name="token"]').getAttribute("type"),
      command: await gate.locator("code").innerText(),
    };
  },
  signIn: async (command) => {
    const page = of(command);
    await page.evaluate(() => document.activeElement?.blur());
    await tabTo(page, 'input[name="token"]');
    await page.keyboard.insertText(command.token);
    await page.keyboard.press("Enter");
    await page.waitForSelector('[data-status="connected"]', { timeout: 20_000 });
    if ((await page.locator(".gate").count()) > 0) throw new Error("it still asks for a token");
  },
  expiry: async (command) => {
    const notice = of(command).locator(".notice-warning", { hasText: "The token expires at" });
    await notice.waitFor({ timeout: 55_000 });
    return notice.innerText();
  },
  letter: async (command) => {
    const letter = of(command).locator(`.letter[data-id="${command.id}"][data-read="${command.read}"]`);
    await letter.waitFor({ timeout: 15_000 });
    return { text: await letter.innerText(), note: await of(command).locator("#inbox").innerText() };
  },
  mark: (command) => of(command).locator(`.letter[data-id="${command.id}"]`).getByRole("button").click(),
  transport: async (command) => {
    await of(command).getByRole("radio", { name: command.name }).check({ force: true });
    await of(command).waitForFunction(
      (transports) => transports.includes([...document.querySelectorAll(".fact dd")].at(1)?.textContent),
      command.transports,
      { timeout: 20_000 },
    );
  },
  item: async (command) => {
    const item = of(command).locator(`[data-id="${command.id}"]`).first();
    await item.waitFor({ timeout: 15_000 });
    return { way: await item.getAttribute("data-way"), text: await item.innerText() };
  },
  list: (command) =>
    of(command).$$eval(".item", (items) =>
      items.map((item) => ({ way: item.dataset.way, message: item.querySelector(".item-message").textContent })),
    ),
  connection: (command) =>
    of(command).evaluate(() => ({
      status: document.querySelector("[data-status]").dataset.status,
      cuts: [...document.querySelectorAll("[data-cut]")].map((cut) => ({
        state: cut.dataset.cut,
        missed: Number(cut.dataset.missed),
        text: cut.innerText,
      })),
    })),
  components: async (command) => {
    await of(command).waitForSelector("[data-component]", { timeout: 20_000 });
    return of(command).$$eval("[data-component]", (rows) =>
      Object.fromEntries(rows.map((row) => [row.dataset.component, row.dataset.state])),
    );
  },
  figures: async (command) => {
    await of(command).waitForFunction(() => /^[1-9]/.test(document.querySelector(".card-value")?.textContent ?? ""), null, {
      timeout: 20_000,
    });
    return of(command).$$eval(".card-value", (values) => values.map((value) => value.textContent));
  },
  // By keyboard alone: the skip link, the fields, Enter on the button.
  publish: async (command) => {
    const page = of(command);
    await page.evaluate(() => document.activeElement?.blur());
    await tabTo(page, 'textarea[name="message"]');
    for (const [name, text] of Object.entries(command.fields)) {
      await tabTo(page, `[name="${name}"]`);
      await page.keyboard.press("Control+A");
      await page.keyboard.type(text);
    }
    await tabTo(page, 'button[type="submit"].button-main');
    await page.keyboard.press("Enter");
    await page.waitForFunction((wanted) => document.querySelector(".outcome")?.classList.contains(`outcome-${wanted}`), command.outcome, {
      timeout: 15_000,
    });
    return page.evaluate(() => ({
      outcome: document.querySelector(".outcome").textContent,
      errors: [...document.querySelectorAll(".field-error")].map((error) => error.textContent),
      focused: document.activeElement?.getAttribute("name"),
    }));
  },
  skip: async (command) => {
    const page = of(command);
    await page.reload();
    await page.waitForSelector('[data-status="connected"]', { timeout: 20_000 });
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    return page.evaluate(() => document.activeElement?.id);
  },
  judge: async (command) => {
    const page = of(command);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: join(given.screenshots, `${command.name}.png`), fullPage: true });
    // In the page's own world a policy would forbid it; there it is no part of the page.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const { elsewhere, errors } = pages.get(command.page);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`);
    return { violations: found, wide, elsewhere, errors };
  },
  close: () => browser.close(),
};

const lines = createInterface({ input: process.stdin });
lines.on("close", async () => {
  await browser.close();
  process.exit();
});
lines.on("line", async (line) => {
  const command = JSON.parse(line);
  try {
    console.log(JSON.stringify({ event: "answer", data: command.number, value: (await commands[command.do](command)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ event: "failure", data: command.number, value: String(error.stack ?? error) }));
  }
});
