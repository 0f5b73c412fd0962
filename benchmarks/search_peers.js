// Asks a peer for the answers to queries: reads a task from standard input, writes JSON.
//
//     {"peer": "material", "worker": path, "lunr": folder, "index": path, "queries": [...]}
//     {"peer": "minisearch", "module": path, "records": [...], "combine": "AND", "whole": true,
//      "queries": [...]}
//         -> [{found: [[location, ...], ...], ms}, ...]      pages, best first
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const task = JSON.parse(fs.readFileSync(0, "utf-8"));

// The theme's own worker, spoken to as its box speaks to it.
async function material({ worker, lunr, index, queries }) {
  const sent = [];
  let receive = null;
  const world = {
    postMessage: (message) => sent.push(message),
    addEventListener: (_, listener) => (receive = listener),
    console,
    Intl,
    URL,
  };
  world.self = world;
  world.importScripts = (...names) => {
    for (const name of names) {
      const file = path.join(lunr, name.replace("../lunr/", ""));
      vm.runInContext(fs.readFileSync(file, "utf-8"), world);
    }
  };
  vm.createContext(world);
  vm.runInContext(fs.readFileSync(worker, "utf-8"), world);
  async function send(message) {
    sent.length = 0;
    receive({ data: message });
    while (!sent.length) await new Promise(setImmediate);
    return sent[0];
  }
  const { config, docs } = JSON.parse(fs.readFileSync(index, "utf-8"));
  await send({ type: 0, data: { config, docs, options: { suggest: false } } });
  return timed(queries, async (query) => {
    const { data } = await send({ type: 2, data: query });
    return data.items.map((hits) => hits.map(({ location }) => location));
  });
}

// MiniSearch over our records: its own words, and of Chinese pairs of neighbours.
async function minisearch({ module, records, queries, combine, whole }) {
  const MiniSearch = require(module);
  const identifiers = (text) => text.match(/[\p{L}\p{N}_]+/gu) || [];
  const words = whole ? identifiers : MiniSearch.getDefault("tokenize");
  const runs = /[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+/g;
  const pairs = (run) => (run.length < 2 ? [run] : [...run].slice(1).map((c, i) => run[i] + c));
  const divide = (run) => (/[\u4e00-\u9fff]/.test(run) ? pairs(run) : [run]);
  const tokenize = (text) => words(text).flatMap((word) => (word.match(runs) || []).flatMap(divide));
  const fields = ["title", "page_title", "text", "code", "formulas", "tags"];
  const index = new MiniSearch({ fields, storeFields: ["location", "page"], tokenize });
  index.addAll(records);
  const boost = { title: 6, tags: 3, page_title: 2 };
  const options = { prefix: true, fuzzy: 0.2, boost, combineWith: combine };
  return timed(queries, async (query) => {
    const pages = new Map();
    for (const { page, location } of index.search(query, options)) {
      pages.set(page, [...(pages.get(page) || []), location]);
    }
    return [...pages.values()];
  });
}

async function timed(queries, ask) {
  const answers = [];
  for (const query of queries) {
    const began = performance.now();
    const found = await ask(query).catch(() => []); // a query that it cannot read
    answers.push({ found: found.slice(0, 50), ms: performance.now() - began });
  }
  return answers;
}

const peers = { material, minisearch };
peers[task.peer](task).then((value) => process.stdout.write(JSON.stringify(value)));
