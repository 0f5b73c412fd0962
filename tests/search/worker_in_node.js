// Runs worker.js outside a browser: reads a task from standard input, writes JSON.
//
//     {"worker": path, "tokens": [text, ...]}                    -> [[token, ...], ...]
//     {"worker": path, "files": {name: text}, "queries": [...]}  -> {results, fetched, errors}
//
// With "burst" the queries are sent at once, without waiting for answers.
const fs = require("fs");
const vm = require("vm");

const task = JSON.parse(fs.readFileSync(0, "utf-8"));
const [sent, fetched, errors] = [[], [], []];
let receive = null;
const self = {
  location: { href: "https://example.org/sub/search/worker.js" },
  addEventListener: (_, listener) => (receive = listener),
  postMessage: (message) => sent.push(message),
};
async function fetch(url) {
  const name = url.pathname.split("/").pop();
  fetched.push(url.pathname);
  const ok = name in task.files;
  const json = async () => JSON.parse(task.files[name]);
  return { ok, status: ok ? 200 : 404, url: url.href, json };
}
const console_ = { error: (error) => errors.push(String(error)) };
const context = vm.createContext({ self, fetch, URL, console: console_ });
vm.runInContext(fs.readFileSync(task.worker, "utf-8"), context);

async function ask(query) {
  sent.length = 0;
  receive({ data: { type: 2, data: query } });
  while (!sent.length) await new Promise(setImmediate);
  return sent[0];
}

(async () => {
  if (task.tokens) {
    const tokens = vm.runInContext("tokens", context);
    return task.tokens.map((text) => tokens(text));
  }
  receive({ data: { type: 0, data: { config: task.config, docs: [], options: {} } } });
  const [ready] = sent;
  const results = [];
  if (task.burst) {
    sent.length = 0;
    task.queries.forEach((query) => receive({ data: { type: 2, data: query } }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    results.push(...sent);
  } else {
    for (const query of task.queries) {
      const began = performance.now();
      const answer = await ask(query);
      if (task.brief) {
        const found = answer.data.items.map((hits) => hits.map(({ location }) => location));
        results.push({ found, ms: performance.now() - began });
      } else results.push(answer);
    }
  }
  return { ready, results, fetched, errors };
})().then((value) => process.stdout.write(JSON.stringify(value)));
