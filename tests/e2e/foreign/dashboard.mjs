// SPDX-License-Identifier: MIT
/*
 * node dashboard.mjs URL CHROMIUM DIRECTORY: the page of lull serve in a browser, as people use it. What is
 * on it is compared with `lull status --json`; each line that is printed is a thing that was right, or what was
 * not. DIRECTORY gets screenshots.
 */
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

const [url, executablePath, directory] = process.argv.slice(2);
const foreign = "<img src=x onerror=alert(1)>";
const problems = [];

const lull = (...words) => execFileSync("lull", words, { encoding: "utf8" });
const status = () => JSON.parse(lull("status", "--json")).keys;

function say(what, isRight) {
	console.log(`${what}: ${isRight ? "yes" : "no"}`);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
const page = await context.newPage();

page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
page.on("pageerror", (error) => problems.push(String(error)));
page.on("dialog", (dialog) => {
	problems.push(`dialog: ${dialog.message()}`);
	dialog.dismiss();
});
page.on("request", (request) => request.url().startsWith(url) || problems.push(`request to ${request.url()}`));

const row = (key) => page.locator(`#keys tr[data-id="${key.replaceAll('"', '\\"')}"]`);
async function untilState(key, wanted) {
	const began = Date.now();

	await row(key).filter({ has: page.locator("td.state", { hasText: new RegExp(`^${wanted}$`) }) }).waitFor({ timeout: 10000 });
	return Date.now() - began;
}

await page.goto(url);
await page.locator("#connection", { hasText: "lulld" }).waitFor();
await page.locator("#keys tr").first().waitFor();

// ---- the same as lull status --json
const shown = await page.locator("#keys tr").evaluateAll((rows) =>
	rows.map((tr) => [...tr.cells].slice(0, 9).map((cell) => cell.textContent)),
);
const none = "–";
const expected = status().map((key) => [
	key.key,
	key.state,
	null,
	key.cause ? (key.status ? `${key.cause} (HTTP ${key.status})` : key.cause) : none,
	...[key.attempts, key.answers, key.failures, key.skips, key.cooldowns].map(String),
]);
const left = shown.map((cells) => cells.splice(2, 1, null)[0]);
say("the keys and their numbers are those of lull status --json", JSON.stringify(shown) === JSON.stringify(expected));
say(
	"so is the time left",
	status().every((key, i) =>
		key.state === "ready" ? left[i] === none : key.seconds_left === null ? left[i] === "until cleared" : Math.abs(parseFloat(left[i]) - key.seconds_left) < 5,
	),
);
say("foreign text is text", (await page.locator("#keys img, #events img").count()) === 0 && (await page.locator("#keys").innerText()).includes(foreign));

// ---- as it happens
lull("cool", "-q", "soon", "10m");
say("a cooldown is there within a second", (await untilState("name:soon", "cooling")) < 1000);
const first = await row("name:soon").locator("td.left").innerText();
await page.waitForTimeout(600);
say("it counts down between two messages", parseFloat(await row("name:soon").locator("td.left").innerText()) < parseFloat(first));
say("its event is there, with the pid", /operator cooled\s+name:soon\s+manual\s+600\.0 s\s+\d+/.test(await page.locator("#events tr").first().innerText()));

// ---- buttons, by keyboard alone
await row("name:soon").getByRole("button", { name: "Clear name:soon" }).focus();
await page.keyboard.press("Enter");
await untilState("name:soon", "ready");
say("clear", status().find((key) => key.key === "name:soon").state === "ready");
await page.waitForTimeout(1200);
say("the focus has stayed", (await page.evaluate(() => document.activeElement.getAttribute("aria-label"))) === "Clear name:soon");
await page.keyboard.press("Shift+Tab");
await page.keyboard.press("Shift+Tab");
await page.keyboard.press("Space");
await untilState("name:soon", "held");
say("hold", status().find((key) => key.key === "name:soon").state === "held");
await row("name:soon").getByRole("button", { name: "Cool name:soon" }).click();
await page.locator("#said.failed").waitFor();
say("what cannot be is said", (await page.locator("#said").innerText()) === "name:soon is held until cleared; clear ends the hold");
await row("name:soon").getByRole("button", { name: "Clear name:soon" }).click();
await untilState("name:soon", "ready");
await page.getByLabel("Cool for").selectOption("1h");
await page.getByLabel("Name or key").fill("by-name");
await page.locator("#by-name").getByRole("button", { name: "Cool" }).click();
await untilState("name:by-name", "cooling");
say("cool by name", status().find((key) => key.key === "name:by-name").seconds_left > 3500);

// every control is reached by Tab, and is seen to be
await page.locator("#name").focus();
const reached = new Set();
for (let i = 0; i < 100; i++) {
	const found = await page.evaluate(() => {
		const at = document.activeElement;

		return at === document.body ? null : [at.getAttribute("aria-label") ?? at.id ?? at.tagName, getComputedStyle(at).outlineStyle];
	});
	if (!found) break;
	reached.add(found.join(" "));
	await page.keyboard.press("Tab");
}
const controls = await page.locator("input, select, button").count();
say("all by Tab, with an outline", reached.size >= controls - 2 && [...reached].every((text) => text.endsWith("solid")));

// ---- workers, the drawing
await page.locator("#workers tr").first().waitFor();
const pids = await page.locator("#workers tr td:nth-child(2)").allInnerTexts();
process.kill(Number(pids[0]), "SIGKILL");
await page.locator("#deaths", { hasText: `pid ${pids[0]}): signal 9 (Killed)` }).waitFor({ timeout: 10000 });
say("a death with its cause", true);
const answer = ["drawn@https://d.example/v1#1", "1", "https://d.example:443", "answered", "200", "-1"];
for (let i = 0; i < 3; i++) execFileSync("plant", answer);
await page.locator("#flow-text", { hasText: /3 attempts\s*3 answered\s*0 failed\s*0 skipped/ }).waitFor({ timeout: 10000 });
say("attempts and outcomes are drawn", (await page.locator("#flow rect.answered").count()) > 0);
execFileSync("plant", ["drawn@https://d.example/v1#1", "1", "https://d.example:443", "auth", "401", "-1"]);
await row("route:drawn@https://d.example/v1#1").locator("td.cause", { hasText: /^shut by credential:1$/ }).waitFor({ timeout: 10000 });
say("a route says what it waits for", true);

// ---- light and dark
const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const light = await background();
await page.screenshot({ path: `${directory}/light.png`, fullPage: true });
await page.emulateMedia({ colorScheme: "dark" });
await page.screenshot({ path: `${directory}/dark.png`, fullPage: true });
say("light and dark", light !== (await background()));
await page.setViewportSize({ width: 420, height: 800 });
say("no wider than a telephone", await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));

// what was refused above, the browser logs
const refused = problems.findIndex((text) => text.includes("409 (Conflict)"));
if (refused >= 0) problems.splice(refused, 1);
say("nothing on the console", problems.length === 0);
for (const problem of problems) console.log(problem);
await browser.close();
