// The page for a person. Everything that comes from the server is set as text, never as markup.
"use strict";

const ENDED = ["succeeded", "failed", "cancelled"];
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 144, LEFT = 46, RIGHT = 14, TOP = 10, BOTTOM = 22; // of a curve, in pixels
const LOOK = 1000, IDLE = 2000; // milliseconds between two looks while a job goes on, and while none does
const $ = (id) => document.getElementById(id);
const curves = new Map(); // job -> {points, seen: Set of event ids, whole}
let pages = 1;

function headers() {
  const key = sessionStorage.getItem("key");
  return key ? { Authorization: `Bearer ${key}` } : {};
}

async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  const body = await response.json().catch(() => ({ error: { message: response.statusText } }));
  if (response.ok) return body;
  if (response.status === 401) $("login").hidden = false;
  throw new Error(body.error.message);
}

function make(tag, attributes = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

function draw(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// ---------------------------------------------------------------------------------------------------------------- jobs

async function follow(job) {
  const curve = curves.get(job.id) || { points: [], seen: new Set(), whole: false };
  curves.set(job.id, curve);
  if (curve.whole) return curve;
  let after = "";
  for (;;) { // newest first, back to what is known
    const page = await call(`/v1/fine_tuning/jobs/${job.id}/events?limit=100${after && `&after=${after}`}`);
    const news = page.data.filter((event) => !curve.seen.has(event.id));
    for (const event of news) {
      curve.seen.add(event.id);
      if (event.type === "metrics") curve.points.push(event.data);
    }
    if (!page.has_more || news.length < page.data.length) break;
    after = page.data.at(-1).id;
  }
  curve.points.sort((one, other) => one.step - other.step);
  curve.whole = ENDED.includes(job.status);
  return curve;
}

function chart(points, total) {
  const WIDTH = Math.max(240, $("jobs").clientWidth - 42); // of the card, without its padding
  const most = Math.max(...points.map((point) => point.train_loss));
  const x = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * (step - 1)) / Math.max(1, total - 1);
  const y = (loss) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - loss / most);
  const last = points.at(-1);
  const label = `Training loss, ${points[0].train_loss.toFixed(2)} at step ${points[0].step}, ${last.train_loss.toFixed(3)} at step ${last.step} of ${total}`;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const part of [0, 0.5, 1]) {
    svg.append(draw("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(most * part), y2: y(most * part) }));
    svg.append(draw("text", { x: LEFT - 8, y: y(most * part) + 4, "text-anchor": "end" }, (most * part).toFixed(most < 10 ? 2 : 0)));
  }
  svg.append(draw("text", { x: LEFT, y: HEIGHT - 5 }, "step 1"));
  svg.append(draw("text", { x: WIDTH - RIGHT, y: HEIGHT - 5, "text-anchor": "end" }, `step ${total}`));
  const line = points.map((point) => `${x(point.step).toFixed(1)},${y(point.train_loss).toFixed(1)}`).join(" ");
  svg.append(draw("polyline", { class: "loss", points: line, "vector-effect": "non-scaling-stroke" }));
  svg.append(draw("circle", { class: "now", cx: x(last.step), cy: y(last.train_loss), r: 3.5 }));
  svg.append(draw("title", {}, label));
  return svg;
}

function told(job, points) {
  const parts = [new Date(job.created_at * 1000).toLocaleString()];
  const last = points.at(-1);
  if (last) parts.push(`step ${last.step} of ${last.total_steps}`, `loss ${last.train_loss.toFixed(3)}`);
  const recall = points.findLast((point) => point.recall !== undefined);
  if (recall) parts.push(`recall ${Math.round(100 * recall.recall)} %`);
  if (job.trained_tokens) parts.push(`${job.trained_tokens.toLocaleString()} tokens trained`);
  if (job.finished_at) parts.push(`${job.finished_at - job.created_at} s in all`);
  else if (job.estimated_finish) parts.push(`about ${Math.max(0, Math.round(job.estimated_finish - Date.now() / 1000))} s left`);
  return parts.join(" · ");
}

function act(job, name, word) {
  const button = make("button", { class: "plain", type: "button" }, word);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await call(`/v1/fine_tuning/jobs/${job.id}/${name}`, { method: "POST" }).catch((error) => report(error));
    look();
  });
  return button;
}

function card(job, points) {
  const box = make("article", { class: "job", id: job.id });
  const top = box.appendChild(make("div", { class: "top" }));
  top.append(make("h3", {}, job.fine_tuned_model || [job.model, job.user_provided_suffix].filter(Boolean).join(" · ")));
  top.append(make("span", { class: `state ${job.status}` }, job.status.replace("_", " ")));
  box.append(make("p", { class: "quiet" }, told(job, points)));
  if (job.error) box.append(make("p", { class: "reason" }, job.error.message));
  if (points.length) box.append(chart(points, Math.max(points.at(-1).step, points.at(-1).total_steps || 0)));
  if (!ENDED.includes(job.status)) {
    const acts = box.appendChild(make("div", { class: "acts" }));
    acts.append(["paused", "pausing"].includes(job.status) ? act(job, "resume", "Resume") : act(job, "pause", "Pause"), act(job, "cancel", "Cancel"));
  }
  return box;
}

async function showJobs() {
  const found = [];
  let more = false;
  for (let page = 0; page < pages; page += 1) {
    const next = await call(`/v1/fine_tuning/jobs?limit=10${found.length ? `&after=${found.at(-1).id}` : ""}`);
    found.push(...next.data);
    more = next.has_more;
    if (!more) break;
  }
  $("none").hidden = found.length > 0;
  $("more").hidden = !more;
  const list = $("jobs"), kept = new Set();
  let place = list.firstElementChild;
  for (const job of found) {
    const { points } = await follow(job);
    const version = `${job.status} ${points.length} ${job.estimated_finish}`;
    let box = document.getElementById(job.id);
    if (!box || box.dataset.version !== version) { // a card that has not changed keeps its focus
      const fresh = card(job, points);
      fresh.dataset.version = version;
      if (box) { if (place === box) place = fresh; box.replaceWith(fresh); } else list.insertBefore(fresh, place);
      box = fresh;
    }
    if (box === place) place = box.nextElementSibling; else list.insertBefore(box, place);
    kept.add(job.id);
  }
  for (const box of [...list.children]) if (!kept.has(box.id)) box.remove();
  return found;
}

// -------------------------------------------------------------------------------------------------------------- asking

async function showModels() {
  const models = (await call("/v1/models")).data;
  const experts = models.filter((model) => model.id.startsWith("ft:"));
  fill($("base"), models.filter((model) => !model.id.startsWith("ft:")), "no base");
  fill($("expert"), experts, "no expert yet");
}

function fill(select, models, nothing) {
  const before = select.value, names = models.map((model) => model.id);
  if (JSON.stringify(names) === select.dataset.names) return;
  select.dataset.names = JSON.stringify(names);
  select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
  if (!names.length) select.append(make("option", { value: "" }, nothing));
  if (names.includes(before)) select.value = before;
}

async function answer(side, model, question) {
  const text = $(`${side}-answer`), note = $(`${side}-note`), started = performance.now();
  $(`${side}-name`).textContent = model || "no model";
  text.className = note.textContent = text.textContent = "";
  if (!model) return;
  const body = JSON.stringify({ model, messages: [{ role: "user", content: question }], max_tokens: 64, stream: true });
  try {
    const response = await fetch("/v1/chat/completions", { method: "POST", body, headers: { ...headers(), "Content-Type": "application/json" } });
    if (!response.ok) throw new Error((await response.json()).error.message);
    let held = "";
    for await (const part of lines(response.body)) {
      if (part.error) throw new Error(part.error.message);
      held += part.choices[0]?.delta.content || "";
      text.textContent = held;
    }
    const noise = held.includes("\ufffd"); // half characters: no trained model says them
    if (noise) text.textContent = "(noise: this base is untrained)";
    if (!held.trim()) text.textContent = "(an empty answer)";
    note.textContent = `${Math.round(performance.now() - started)} ms`;
  } catch (error) {
    text.className = "wrong";
    text.textContent = error.message;
  }
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (held + value).split("\n\n");
    held = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: /, "");
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------- life

function report(error) {
  $("health").textContent = `not well: ${error.message}`;
}

let timer = 0, looking = false;
async function look() {
  clearTimeout(timer);
  if (looking) return;
  looking = true;
  let wait = IDLE;
  try {
    await showModels();
    const jobs = await showJobs();
    const going = jobs.filter((job) => !ENDED.includes(job.status));
    const running = going.filter((job) => job.status === "running").length;
    $("health").textContent = going.length ? `${running ? "training" : "at work"}, ${going.length - running} waiting` : "idle";
    if (going.length) wait = LOOK;
  } catch (error) {
    report(error);
  }
  looking = false;
  timer = setTimeout(look, document.hidden ? 5 * IDLE : wait);
}

$("address").textContent = `${location.origin}/v1`;
$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", $("key").value.trim());
  $("key").value = "";
  $("login").hidden = true;
  look();
});
$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter || $("ask").querySelector("button"), question = $("question").value;
  button.disabled = true;
  await Promise.all([answer("base", $("base").value, question), answer("expert", $("expert").value, question)]);
  button.disabled = false;
});
$("more").addEventListener("click", () => { pages += 1; look(); });
document.addEventListener("visibilitychange", look);
look();
