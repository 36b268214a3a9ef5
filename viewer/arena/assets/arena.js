// The arena's page: shows what is next, sends what was chosen. Texts go in as text, never as HTML.
"use strict";

const KEYS = {
  a: "a", arrowleft: "a", b: "b", arrowright: "b", t: "tie", arrowdown: "tie", s: "skip",
  u: "back", backspace: "back",
};
const SAID = { a: "A", b: "B", tie: "a tie", skip: "skipped" };
const QUESTIONS = {
  replies: "Which reply helps this person more, now?",
  dialogues: "In which dialogue is this person helped more?",
};

const at = (id) => document.getElementById(id);
const buttons = [...document.querySelectorAll("button[data-choice]")];
let shown = null; // what the server sent last
let busy = true; // until the first pair is there, and while an answer is under way

function bubble(line) {
  const box = document.createElement("p");
  const who = document.createElement("span");
  const text = document.createElement("span");
  box.className = line.speaker === "seeker" ? "seeker" : "supporter";
  who.className = "who";
  who.textContent = line.speaker === "seeker" ? "Person: " : "Reply: ";
  text.className = "said";
  text.dir = "auto"; // right to left where the words are
  text.textContent = line.text;
  box.append(who, text);
  return box;
}

function chat(id, lines) {
  at(id).replaceChildren(...lines.map(bubble));
  at(id).hidden = lines.length === 0;
}

function show(page, status) {
  const over = page.number === null;
  shown = page;
  at("pair").hidden = over;
  at("done").hidden = !over;
  at("choices").hidden = over;
  at("skip").hidden = over;
  at("bar").max = page.total;
  at("bar").value = page.done;
  at("count").textContent = over ? `${page.done} of ${page.total}` : `${page.number} of ${page.total}`;
  at("back").disabled = page.total === 0 || page.number === 1;
  if (over) {
    at("skipped").textContent = page.skipped ? `You skipped ${page.skipped}.` : "";
    if (document.activeElement === document.body) at("thanks").focus();
  } else {
    pair(page);
  }
  at("status").textContent = status(page);
  document.body.dataset.shown = over ? "done" : page.number;
}

function pair(page) {
  document.body.classList.toggle("whole", page.whole);
  at("question").textContent = page.whole ? QUESTIONS.dialogues : QUESTIONS.replies;
  chat("context", page.context);
  chat("side-a", page.a);
  chat("side-b", page.b);
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === page.chosen));
  }
  for (const side of ["a", "b"]) {
    at(`side-${side}`).parentElement.classList.toggle("chosen", page.chosen === side);
    at(`side-${side}`).scrollTop = 0;
  }
  window.scrollTo(0, 0);
  at("context").scrollTop = at("context").scrollHeight; // what is answered stands last
}

async function ask(address, options, status) {
  busy = true;
  let page = null;
  let wrong = "";
  try {
    const response = await fetch(address, options);
    page = await response.json().catch(() => null);
    if (!response.ok || page === null) wrong = page?.error ?? `the answer was ${response.status}`;
  } catch {
    wrong = "the program does not answer";
  }
  at("trouble").hidden = wrong === "";
  at("trouble").textContent = wrong && `Nothing was stored just now: ${wrong}. Reload this page, or ask who sent you the link.`;
  if (wrong === "") show(page, status);
  busy = false;
}

function answer(choice) {
  if (busy || shown === null || shown.number === null) return;
  const number = shown.number;
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ number, choice }),
  };
  ask("answer", options, () => `Stored: ${SAID[choice]}.`);
}

function back() {
  if (busy || shown === null || at("back").disabled) return;
  const number = shown.number === null ? shown.total : shown.number - 1;
  ask(`item?number=${number}`, {}, (page) => `You said: ${SAID[page.chosen]}. Choose again.`);
}

const act = (what) => (what === "back" ? back() : answer(what));

document.addEventListener("keydown", (event) => {
  const what = KEYS[event.key.toLowerCase()];
  // A key that is held down is one answer; with Alt, an arrow is the browser's own way back.
  if (!what || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  // Within a text that scrolls, the arrow scrolls.
  const focused = document.activeElement;
  const scrolls = focused?.matches(".chat") && focused.scrollHeight > focused.clientHeight;
  if (event.key === "ArrowDown" && scrolls) return;
  event.preventDefault();
  act(what);
});

for (const button of buttons) {
  // The second click of a double click would answer the next pair, unread.
  button.addEventListener("click", (event) => event.detail > 1 || act(button.dataset.choice));
}
at("back").addEventListener("click", (event) => event.detail > 1 || back());

ask("item", {}, (page) => (page.number === null ? "" : "Use the keys, or the buttons."));
