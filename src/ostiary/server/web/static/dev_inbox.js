"use strict";
// Fetches the list the server renders, once a second while the page is seen, and swaps it where it changed.

const byId = (id) => document.getElementById(id);
const list = byId("list");
const filter = byId("filter");
const trouble = byId("trouble");
const words = document.body.dataset;
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const parser = new DOMParser();
let shown = contentOf(list);
let ahead = 0; // milliseconds by which the service's clock is ahead of this browser's

function contentOf(root) {
  // All but the service's clock, which changes with every look.
  return [...root.children].slice(1).map((child) => child.outerHTML).join("");
}

function readClock(root) {
  const state = root.querySelector(".state").dataset;
  ahead = Number(state.now) - Date.now();
  const badge = byId("ahead");
  const seconds = Math.floor(Number(state.offset) / 1000);
  badge.hidden = seconds === 0;
  badge.textContent = badge.dataset.words.replace("{time}", inUnits(seconds));
}

function inUnits(seconds) {
  const parts = [["day", Math.floor(seconds / 86400)], ["hour", Math.floor(seconds / 3600) % 24],
    ["minute", Math.floor(seconds / 60) % 60], ["second", seconds % 60]];
  const say = ([unit, value]) =>
    new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "short" }).format(value);
  return parts.filter(([, value]) => value > 0).map(say).join(" ");
}

function ago(moment, now) {
  const seconds = Math.round((moment - now) / 1000);
  if (seconds > -5) return words.nowWord;
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (-seconds >= size) return relative.format(Math.ceil(seconds / size), unit);
  }
  return relative.format(seconds, "second");
}

function tick() {
  const now = Date.now() + ahead;
  const text = new Date(now).toISOString();
  byId("clock").textContent = `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
  for (const time of list.querySelectorAll(".head time")) time.textContent = ago(Date.parse(time.dateTime), now);
}

function sift() {
  const wanted = filter.value.toLowerCase();
  const digits = wanted.replace(/[\s()-]/g, "");
  let matches = 0;
  const messages = list.querySelectorAll(".message");
  for (const message of messages) {
    const text = message.dataset.find.toLowerCase();
    message.hidden = !(text.includes(wanted) || text.includes(digits));
    matches += message.hidden ? 0 : 1;
  }
  byId("none-match").hidden = matches > 0 || messages.length === 0;
}

function swap(html) {
  const root = parser.parseFromString(html, "text/html").body;
  readClock(root);
  const content = contentOf(root);
  if (content !== shown) {
    const known = new Set([...list.querySelectorAll(".message")].map((message) => message.dataset.id));
    list.replaceChildren(...root.children);
    for (const message of list.querySelectorAll(".message")) {
      message.classList.toggle("new", !known.has(message.dataset.id));
    }
    shown = content;
  }
  sift();
  tick();
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`/dev/inbox?part=messages&lang=${document.documentElement.lang}`);
    if (!answer.ok) throw new Error(String(answer.status));
    swap(await answer.text());
    trouble.hidden = true;
  } catch {
    trouble.textContent = trouble.dataset.lost;
    trouble.hidden = false;
  }
}

async function ask(path, options) {
  const answer = await fetch(path, options);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok || (told.statusCode && told.statusCode !== 200)) {
    trouble.textContent = `${words.failed} ${told.message || answer.status}`;
    trouble.hidden = false;
    return;
  }
  await refresh();
}

const move = (seconds) =>
  ask("/dev/clock", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ advanceSeconds: seconds }),
  });

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.code);
  } catch {
    getSelection().selectAllChildren(button.parentElement.querySelector("output"));
    return;
  }
  const word = button.textContent;
  button.textContent = words.copied;
  button.classList.add("done");
  setTimeout(() => {
    button.textContent = word;
    button.classList.remove("done");
  }, 1500);
}

list.addEventListener("click", (event) => {
  const button = event.target.closest(".copy");
  if (button) copy(button);
});
filter.addEventListener("input", sift);
byId("clear").addEventListener("click", () => ask("/dev/inbox.json", { method: "DELETE" }));
byId("move").addEventListener("click", (event) => {
  if (event.target.matches("button[value]")) move(Number(event.target.value));
});
byId("move").addEventListener("submit", (event) => {
  event.preventDefault();
  move(event.target.elements.seconds.valueAsNumber);
  event.target.reset();
});
document.addEventListener("visibilitychange", refresh);

readClock(list);
tick();
setInterval(refresh, 1000);
