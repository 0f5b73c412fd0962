// Runs worker.js outside a browser: reads a task from standard input, writes JSON.
//
//     {"worker": path, "tokens": [text, ...]}                    -> [[token, ...], ...]
//     {"worker": path, "sort": [token, ...]}                     -> [token, ...]
//     {"worker": path, "classes": [name, ...]}     -> {name: [[first, last], ...]} code points
//     {"worker": path, "files": {name: text}, "queries": [...]}  -> {results, fetched, errors}
//
// Or "folder", where the files are. With "burst" the queries are sent at once, without waiting
// for answers. With "fresh" each is the first one of its worker. With "brief" results are
// {found: [[location, ...], ...], ms, bytes}: bytes are of the files fetched, compressed.
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const zlib = require("zlib");

const task = JSON.parse(fs.readFileSync(0, "utf-8"));
const script = new vm.Script(fs.readFileSync(task.worker, "utf-8"));
const [fetched, errors] = [[], []];
const sizes = new Map();
let bytes = 0;

function read(name) {
  if (!task.folder) return task.files[name];
  const file = path.join(task.folder, name);
  return fs.existsSync(file) ? fs.readFileSync(file, "utf-8") : undefined;
}

async function fetch(url) {
  const name = path.posix.relative("/sub/search", url.pathname);
  fetched.push(url.pathname);
  const text = read(name);
  const ok = text !== undefined;
  if (ok && task.brief) {
    if (!sizes.has(name)) sizes.set(name, zlib.gzipSync(text).length);
    bytes += sizes.get(name);
  }
  return { ok, status: ok ? 200 : 404, url: url.href, json: async () => JSON.parse(text) };
}

// Starts a worker; `ask` sends it a query and waits for the answer.
function start() {
  const sent = [];
  let receive = null;
  const self = {
    location: { href: "https://example.org/sub/search/worker.js" },
    addEventListener: (_, listener) => (receive = listener),
    postMessage: (message) => sent.push(message),
  };
  const console_ = { error: (error) => errors.push(String(error)) };
  const context = vm.createContext({ self, fetch, URL, console: console_ });
  script.runInContext(context);
  if (task.config) receive({ data: { type: 0, data: { config: task.config } } });
  const ready = sent[0];
  const send = (query) => receive({ data: { type: 2, data: query } });
  async function ask(query) {
    sent.length = 0;
    send(query);
    while (!sent.length) await new Promise(setImmediate);
    return sent[0];
  }
  return { context, ready, sent, send, ask };
}

// Returns the ranges of code points that a pattern matches.
function members(pattern) {
  const ranges = [];
  for (let code = 0; code < 0x110000; code++) {
    if (!pattern.test(String.fromCodePoint(code))) continue;
    if (ranges.at(-1)?.[1] === code - 1) ranges.at(-1)[1] = code;
    else ranges.push([code, code]);
  }
  return ranges;
}

(async () => {
  let worker = start();
  if (task.tokens) {
    const tokens = vm.runInContext("tokens", worker.context);
    return task.tokens.map((text) => tokens(text));
  }
  if (task.sort) return task.sort.sort(vm.runInContext("compare", worker.context));
  if (task.classes) {
    const body = (name) => vm.runInContext(name, worker.context);
    return task.classes.map((name) => members(new RegExp(`^[${body(name)}]`, "u")));
  }
  const results = [];
  if (task.burst) {
    worker.sent.length = 0;
    task.queries.forEach(worker.send);
    await new Promise((resolve) => setTimeout(resolve, 50));
    results.push(...worker.sent);
  } else {
    for (const query of task.queries) {
      if (task.fresh) worker = start();
      bytes = 0;
      const began = performance.now();
      const answer = await worker.ask(query);
      const ms = performance.now() - began;
      const found = answer.data.items.map((hits) => hits.map(({ location }) => location));
      results.push(task.brief ? { found, ms, bytes } : answer);
    }
  }
  if (global.gc) global.gc();
  const heap = process.memoryUsage().heapUsed;
  return { ready: worker.ready, results, fetched: task.brief ? [] : fetched, errors, heap };
})().then((value) => process.stdout.write(JSON.stringify(value)));
