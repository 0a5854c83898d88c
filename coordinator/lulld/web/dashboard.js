// SPDX-License-Identifier: MIT
/*
 * The page: what comes by GET /events is put into tables that stay, so that a button keeps the focus
 * while numbers change. All text is foreign (people name models): it is only ever set as text.
 */
"use strict";

const SECONDS = 120; // of the drawing
const EVENTS_MAX = 50;
const NO_VALUE = "–";

const byId = (id) => document.getElementById(id);

let token = "";
let keys = []; // of the last status
let shut = new Map(); // of those the ones that are not ready, by key
let keysAt = 0; // when it came, by performance.now()

/* ---- elements */

function element(name, className, text) {
	const made = document.createElement(name);

	if (className) made.className = className;
	if (text !== undefined) made.textContent = text;
	return made;
}

function setText(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

/* The rows of a tbody, in the order of `items`; those that stay are kept, and with them the focus. */
function setRows(body, items, idOf, make, fill) {
	const before = new Map();
	const focused = document.activeElement;

	for (const row of body.rows) before.set(row.dataset.id, row);
	items.forEach((item, index) => {
		const id = idOf(item);
		let row = before.get(id);

		before.delete(id);
		if (!row) {
			row = make(item);
			row.dataset.id = id;
		}
		if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
		fill(row, item);
	});
	for (const row of before.values()) row.remove();
	if (focused !== document.activeElement && body.contains(focused)) focused.focus({ preventScroll: true });
}

/* A row of cells, one for each class name; the first is its heading. */
function makeRow(cells) {
	const row = element("tr");

	cells.forEach((className, index) => {
		const cell = element(index === 0 ? "th" : "td", className);

		if (index === 0) cell.scope = "row";
		row.append(cell);
	});
	return row;
}

function fillRow(row, texts) {
	texts.forEach((text, index) => setText(row.cells[index], text));
}

/* ---- values as text */

const number = (value) => (value === undefined || value === null ? NO_VALUE : String(value));

/* Rounded up, as lull status does. */
function seconds(value) {
	return `${(Math.ceil(value * 10) / 10).toFixed(1)} s`;
}

/* A route that is well itself is ready when what it stands on is. */
function cause(of) {
	const below = of.state === "ready" ? (shut.get(of.credential) ?? shut.get(of.endpoint)) : undefined;

	if (below) return `shut by ${below.key}`;
	if (!of.cause) return NO_VALUE;
	return of.status ? `${of.cause} (HTTP ${of.status})` : of.cause;
}

function timeLeft(key) {
	if (key.state === "ready") return NO_VALUE;
	if (key.seconds_left === null) return "until cleared";
	return seconds(Math.max(0, key.seconds_left - (performance.now() - keysAt) / 1000));
}

function localTime(at) {
	return at ? new Date(at).toLocaleString() : NO_VALUE;
}

/* ---- changes */

function say(text, failed) {
	setText(byId("said"), text);
	byId("said").classList.toggle("failed", failed);
}

async function change(what, key) {
	const query = what === "cool" ? `?for=${byId("cool-for").value}` : "";

	try {
		const answer = await fetch(`/${what}${query}`, {
			method: "POST",
			headers: { "Content-Type": "text/plain", "X-Lull-Token": token },
			body: key,
		});

		say((await answer.text()).trim(), !answer.ok);
	} catch {
		say(`${key}: lulld did not answer`, true);
	}
}

function changeButtons(key) {
	const words = { hold: "Hold", cool: "Cool", clear: "Clear" };

	return Object.entries(words).map(([what, word]) => {
		const button = element("button", "", word);

		button.type = "button";
		button.setAttribute("aria-label", `${word} ${key}`);
		button.addEventListener("click", () => change(what, key));
		return button;
	});
}

byId("by-name").addEventListener("submit", (event) => {
	event.preventDefault();
	change(event.submitter?.dataset.change ?? "hold", byId("name").value);
});

/* ---- routes and keys */

const keyCells = ["key", "state", "number left", "cause", "number", "number", "number", "number", "number", "number", ""];

/* Its text is the key; the model in it is what people look for. */
function keyParts(key) {
	const name = key.model ?? key.key.slice(key.kind.length + 1);
	const at = Math.max(0, key.key.indexOf(name));

	return [
		element("span", "around", key.key.slice(0, at)),
		element("b", "", name),
		element("span", "around", key.key.slice(at + name.length)),
	];
}

function makeKeyRow(key) {
	const row = makeRow(keyCells);

	row.cells[0].append(...keyParts(key));
	row.cells[10].append(...changeButtons(key.key));
	return row;
}

function fillKeyRow(row, key) {
	row.dataset.state = key.state;
	fillRow(row, [
		key.key,
		key.state,
		timeLeft(key),
		cause(key),
		number(key.attempts),
		number(key.answers),
		number(key.failures),
		number(key.skips),
		number(key.cooldowns),
		key.usual_ms === null ? NO_VALUE : `${key.usual_ms} ms`,
	]);
}

function countDown() {
	const rows = byId("keys").rows;

	for (let i = 0; i < rows.length && i < keys.length; i++) setText(rows[i].cells[2], timeLeft(keys[i]));
}

function takeStatus(status) {
	keys = status.keys;
	shut = new Map(keys.filter((key) => key.state !== "ready").map((key) => [key.key, key]));
	keysAt = performance.now();
	setText(byId("where"), status.shared ? status.table : `${status.table} is not there, or not to be shared`);
	setRows(byId("keys"), keys, (key) => key.key, makeKeyRow, fillKeyRow);
	byId("no-keys").hidden = keys.length > 0;
	document.title = shut.size > 0 ? `Lull: ${shut.size} shut` : "Lull";
	takeCounts(keys);
}

/* ---- attempts and outcomes over time */

const series = ["attempts", "answers", "failures", "skips"];
const words = { attempts: "attempts", answers: "answered", failures: "failed", skips: "skipped" };
const stack = ["answers", "failures", "skips"];
let sums; // of the last status
let buckets = []; // one a second: {second, attempts, …}

/* Those of the last two minutes, the last one being now. */
function trimBuckets() {
	const now = Math.floor(Date.now() / 1000);
	const first = now - SECONDS + 1;

	buckets = buckets.filter((bucket) => bucket.second >= first && bucket.second <= now);
	return { now, first };
}

/* One attempt counts on its credential and its endpoint as well: so only routes are counted. */
function takeCounts(all) {
	const routes = all.filter((key) => key.kind === "route");
	const next = Object.fromEntries(series.map((name) => [name, routes.reduce((sum, key) => sum + key[name], 0)]));
	const { now } = trimBuckets();
	let bucket = buckets.at(-1);

	if (!bucket || bucket.second !== now) {
		bucket = { second: now, attempts: 0, answers: 0, failures: 0, skips: 0 };
		buckets.push(bucket);
	}
	// of a table that was made anew all begin again
	for (const name of series) bucket[name] += sums ? Math.max(0, next[name] - sums[name]) : 0;
	sums = next;
	draw();
}

function svg(name, attributes) {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);

	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
	return made;
}

function draw() {
	const { first } = trimBuckets();
	const highest = Math.max(1, ...buckets.map((b) => Math.max(b.attempts, b.answers + b.failures + b.skips)));
	const shapes = [];
	const line = Array.from({ length: SECONDS }, () => 0);

	for (const bucket of buckets) {
		const x = bucket.second - first;
		let top = highest;

		line[x] = bucket.attempts;
		for (const name of stack) {
			if (bucket[name] === 0) continue;
			top -= bucket[name];
			shapes.push(svg("rect", { class: words[name], x, y: top, width: 0.9, height: bucket[name] }));
		}
	}
	shapes.push(svg("polyline", { class: "attempts", points: line.map((value, x) => `${x + 0.45},${highest - value}`).join(" ") }));
	byId("flow").setAttribute("viewBox", `0 0 ${SECONDS} ${highest}`);
	byId("flow").replaceChildren(...shapes);
	describeFlow(highest);
}

function describeFlow(highest) {
	const text = byId("flow-text");

	if (!text.firstChild) {
		text.append(element("b", "", ""));
		for (const name of series) text.append(element("span", words[name], ""));
	}
	setText(text.firstChild, `Last ${SECONDS / 60} minutes, up to ${highest} a second:`);
	series.forEach((name, index) => {
		const sum = buckets.reduce((total, bucket) => total + bucket[name], 0);

		setText(text.children[index + 1], `${sum} ${words[name]}`);
	});
}

/* ---- gateways */

const workerCells = ["number", "number", "state", "number", "number", "number", "number", "number", "number", "number", ""];

function fillWorkerRow(row, worker) {
	row.dataset.state = worker.state;
	fillRow(row, [
		number(worker.worker),
		number(worker.pid),
		worker.state.replace("_", " "),
		number(worker.connections),
		number(worker.calls),
		number(worker.streams),
		number(worker.requests),
		number(worker.answered),
		number(worker.failed),
		number(worker.deaths),
		worker.last_death ?? NO_VALUE,
	]);
}

function takeWorkers(all) {
	const deaths = all.deaths === 0 ? "None has died." : `${all.deaths} died; last ${all.last_death}, ${localTime(all.last_death_at)}`;

	setText(byId("deaths"), deaths);
	setRows(byId("workers"), all.workers, (worker) => `${worker.worker} ${worker.pid}`, () => makeRow(workerCells), fillWorkerRow);
}

/* ---- events */

function addEventRow(texts) {
	const row = makeRow(["", "", "key", "", "number", "number"]);
	const body = byId("events");

	fillRow(row, texts);
	body.prepend(row);
	while (body.rows.length > EVENTS_MAX) body.lastElementChild.remove();
}

function takeEvent(event) {
	addEventRow([
		localTime(event.at),
		event.type.replace("_", " "),
		event.key,
		cause(event),
		event.seconds === null ? NO_VALUE : seconds(event.seconds),
		number(event.pid),
	]);
}

function takeNews(news) {
	const text = news.type === "lost" ? `${news.count} events were lost` : `the table is another one now: ${news.table}`;

	addEventRow([localTime(new Date()), text, NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE]);
}

function takeHello(hello) {
	token = hello.token;
	sums = undefined;
	byId("events").replaceChildren();
	setConnection(`lulld ${hello.version}, pid ${hello.pid}`, false);
}

/* ---- the stream */

function setConnection(text, failed) {
	setText(byId("connection"), text);
	byId("connection").classList.toggle("failed", failed);
	document.body.classList.toggle("stale", failed);
}

function listen() {
	const takers = { hello: takeHello, status: takeStatus, workers: takeWorkers, event: takeEvent, news: takeNews };
	const source = new EventSource("/events");

	for (const [name, take] of Object.entries(takers)) source.addEventListener(name, (event) => take(JSON.parse(event.data)));
	source.addEventListener("error", () => {
		setConnection("no connection; trying again", true);
		if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
		source.close();
		setTimeout(listen, 1000);
	});
}

setInterval(countDown, 200);
listen();
