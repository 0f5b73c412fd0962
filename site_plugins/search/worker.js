// The search worker: answers the queries of Material's search box from our own index.
//
//     <- 0 SETUP {config: {index: {records, postings}}}   the names of the two index files
//     -> 1 READY
//     <- 2 QUERY string
//     -> 3 RESULT {items: [[section, ...], ...]}          a list a page, best first
//
// The files lie beside this script, so that any sub-path will do, and are fetched at the
// first query. The theme writes titles, texts and tags into the page as HTML: whatever
// leaves this file in one of them has been through escapeHtml.
"use strict";

const [SETUP, READY, QUERY, RESULT] = [0, 1, 2, 3];
const MAX_PAGES = 50;
const MAX_SECTIONS = 5; // a page
const MAX_QUERY = 1000; // characters that are read; nobody typed the rest
const MAX_WORDS = 32;
const SNIPPET = 240; // characters
const LEAD = 60; // of them before the first match

// Tokens: the twin of tokens.py, function by function. Why is said there.

const LONGEST = 64;
const CJK =
  "\\u3005-\\u3007\\u3031-\\u3035\\u3041-\\u309f\\u30a1-\\u30fa\\u30fc-\\u30ff" +
  "\\u3105-\\u312f\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7a3" +
  "\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
const SEPARATORS =
  "\\x00-\\/:-@\\[-\\^`\\{-\\xa9\\xab-\\xb4\\xb6-\\xb9\\xbb-\\xbf\\xd7\\xf7" +
  "\\u037e\\u0387\\u055a-\\u055f\\u0589-\\u058f\\u05be\\u05c0\\u05c3\\u05c6" +
  "\\u05f3\\u05f4\\u0600-\\u060f\\u061b-\\u061f\\u066a-\\u066d\\u06d4\\u0964\\u0965" +
  "\\u2000-\\u206f\\u20a0-\\u20cf\\u2190-\\u245f\\u2500-\\u2bff\\u2e00-\\u2e7f" +
  "\\u2ff0-\\u3004\\u3008-\\u3020\\u3030\\u3036\\u3037\\u303d-\\u303f\\u30a0\\u30fb" +
  "\\u31c0-\\u31ef\\u3200-\\u33ff\\ud800-\\uf8ff\\ufe00-\\ufe6f\\uff00-\\uff0f" +
  "\\uff1a-\\uff20\\uff3b-\\uff3e\\uff40\\uff5b-\\uff65\\uffe0-\\uffff" +
  "\\u{1f000}-\\u{1faff}\\u{e0000}-\\u{10ffff}";
const PIECE = new RegExp(`[${CJK}]+|[^${CJK}${SEPARATORS}]{1,${LONGEST}}`, "gu");
const CJK_FIRST = new RegExp(`^[${CJK}]`, "u");

function tokens(text) {
  return pieces(fold(text)).flatMap(parts);
}

function fold(text) {
  return text.normalize("NFKC").toLowerCase().replace(/ς/g, "σ").replace(/ß/g, "ss");
}

function pieces(folded) {
  return folded.match(PIECE) || [];
}

function parts(piece) {
  if (CJK_FIRST.test(piece)) {
    const characters = [...piece];
    return characters.map((character, i) => character + (characters[i + 1] || ""));
  }
  const words = piece.split("_").filter(Boolean);
  return words.length === 0 || words[0] === piece ? words : [piece, ...words];
}

// The query: what is looked for. A want is a token, the word it was typed in, and whether it
// is open, that is, may go on: the end of the query, and a Chinese character on its own.

function readQuery(text) {
  const words = pieces(fold(text.slice(0, MAX_QUERY))).slice(0, MAX_WORDS);
  const wants = new Map();
  words.forEach((word, at) => {
    const isCjk = CJK_FIRST.test(word);
    let found = parts(word);
    if (isCjk && found.length > 1) found = found.slice(0, -1); // the pairs say it all
    found.forEach((token, i) => {
      const isLast = at === words.length - 1 && (i === 0 || i === found.length - 1);
      const open = isLast || (isCjk && found.length === 1) || Boolean(wants.get(token)?.open);
      wants.set(token, { token, word, open });
    });
  });
  return [...wants.values()];
}

// The index: which records have a term, and with what impact.

function openIndex(records, { version, documents, terms, postings }) {
  if (version !== 1 || documents !== records.length) throw new Error("search: files do not match");
  const pages = new Map(); // url -> the record of the page itself
  for (const record of records) if (!record.anchor) pages.set(record.url, record);
  return { records, terms, postings, pages };
}

// By code point, as Python sorts; `<` would go by UTF-16 units.
function compare(a, b) {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    if (a[i] !== b[i]) return a.codePointAt(i) - b.codePointAt(i);
  }
  return a.length - b.length;
}

function firstNotBelow(terms, token) {
  let [low, high] = [0, terms.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(terms[middle], token) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Returns a map from record to impact. A term that only begins with the token counts by how
// much of it was typed.
function lookUp({ terms, postings }, { token, open }) {
  const found = new Map();
  for (let at = firstNotBelow(terms, token); at < terms.length; at++) {
    const isMatch = open ? terms[at].startsWith(token) : terms[at] === token;
    if (!isMatch) break;
    const typed = token.length / terms[at].length;
    let record = 0;
    for (let i = 0; i < postings[at].length; i += 2) {
      record += postings[at][i];
      found.set(record, Math.max(found.get(record) || 0, typed * postings[at][i + 1]));
    }
  }
  return found;
}

// Ranking: rare terms count more, and a section with all of the query beats one with some.

function rank(index, wants) {
  const hits = new Map();
  for (const want of wants) {
    const found = lookUp(index, want);
    const rarity = Math.log(1 + (index.records.length - found.size + 0.5) / (found.size + 0.5));
    for (const [number, impact] of found) {
      const hit = hits.get(number) || { number, score: 0, matched: new Set() };
      hit.score += rarity * impact;
      hit.matched.add(want);
      hits.set(number, hit);
    }
  }
  for (const hit of hits.values()) hit.score *= (hit.matched.size / wants.length) ** 2;
  return [...hits.values()].sort((a, b) => b.score - a.score || a.number - b.number);
}

function byPage({ records }, hits) {
  const groups = new Map();
  for (const hit of hits) {
    const { url } = records[hit.number];
    if (!groups.has(url) && groups.size < MAX_PAGES) groups.set(url, []);
    const group = groups.get(url);
    if (group && group.length < MAX_SECTIONS) group.push(hit);
  }
  return [...groups];
}

// Snippets: where the matches are in a text, and the stretch that shows most of them.

// Returns a function from text to the marks in it: {start, end, want}, in order.
function marker(wants) {
  const exact = new Map(wants.map((want) => [want.token, want]));
  const open = wants.filter((want) => want.open);
  const wanted = (token) =>
    exact.get(token) || open.find((want) => token.startsWith(want.token)) || null;
  const known = new Map(); // words repeat
  const wantedIn = (piece) => {
    if (!known.has(piece)) known.set(piece, tokens(piece).map(wanted).find(Boolean) || null);
    return known.get(piece);
  };
  return function marks(text) {
    const found = [];
    for (const { 0: piece, index } of text.matchAll(PIECE)) {
      if (!CJK_FIRST.test(piece)) {
        const want = wantedIn(piece);
        if (want) found.push({ start: index, end: index + piece.length, want });
        continue;
      }
      let start = index;
      for (const pair of parts(piece)) {
        const want = wanted(pair);
        if (want) found.push({ start, end: start + want.token.length, want });
        start += [...pair][0].length;
      }
    }
    return found;
  };
}

function wordsOf(marks) {
  return new Set(marks.map(({ want }) => want.word)).size;
}

// Returns the marks that fit into one snippet and have the most words of the query.
function bestStretch(marks) {
  let best = [];
  marks.slice(0, 200).forEach(({ start }, i) => {
    const stretch = [];
    for (let j = i; j < marks.length && marks[j].end <= start + SNIPPET - LEAD; j++) {
      stretch.push(marks[j]);
    }
    if (wordsOf(stretch) > wordsOf(best)) best = stretch;
  });
  return best;
}

function cut(text, marks) {
  const stretch = bestStretch(marks);
  const first = stretch.length ? stretch[0].start : 0;
  let from = Math.max(0, first - LEAD);
  const space = from && text.indexOf(" ", from);
  if (from && space !== -1 && space < first) from = space + 1;
  let to = Math.min(text.length, from + SNIPPET);
  if (isLowSurrogate(text, from)) from--;
  if (isLowSurrogate(text, to)) to++;
  const shown = marks.filter(({ start, end }) => start >= from && end <= to);
  return (from ? "…" : "") + highlight(text, shown, from, to) + (to < text.length ? "…" : "");
}

function isLowSurrogate(text, at) {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

function highlight(text, marks, from = 0, to = text.length) {
  let html = "";
  let at = from;
  for (let i = 0; i < marks.length; i++) {
    const { start } = marks[i];
    let { end } = marks[i];
    while (i + 1 < marks.length && marks[i + 1].start <= end) end = Math.max(end, marks[++i].end);
    html += escapeHtml(text.slice(at, start));
    html += `<mark>${escapeHtml(text.slice(start, end))}</mark>`;
    at = end;
  }
  return html + escapeHtml(text.slice(at, to));
}

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

// Returns a piece of the field that shows the most of the query, prose before code.
function snippet(record, marks) {
  const fields = [record.text, record.code, record.formulas.join(" ")];
  const marked = fields.map((text) => marks(text));
  let best = 0;
  marked.forEach((found, i) => {
    if (wordsOf(found) > wordsOf(marked[best])) best = i;
  });
  const html = cut(fields[best], marked[best]);
  return best === 0 ? html : `<code>${html}</code>`;
}

// Results, in the form that the theme's templates take.

function results(index, wants) {
  const marks = marker(wants);
  return byPage(index, rank(index, wants)).map(([url, hits]) => {
    const items = hits.map((hit) => item(index.records[hit.number], hit, wants, marks));
    const page = index.pages.get(url);
    // The theme heads each group with the page itself, and finds it by its lack of a `#`.
    if (page && !hits.some(({ number }) => index.records[number] === page)) {
      items.push(item(page, { score: 0, matched: new Set(wants) }, wants, marks));
    }
    return items;
  });
}

function item(record, { score, matched }, wants, marks) {
  const found = new Set([...matched].map(({ word }) => word));
  return {
    location: record.url + (record.anchor && `#${encodeURIComponent(record.anchor)}`),
    title: highlight(record.title, marks(record.title)),
    text: snippet(record, marks),
    tags: record.anchor || !record.tags.length ? undefined : record.tags.map(escapeHtml),
    score,
    terms: Object.fromEntries(wants.map(({ word }) => [word, found.has(word)])),
  };
}

// Messages. Only the newest query is answered: while the index loads, the reader types on.

let names = null;
let loading = null;
let newest = 0;
let isReported = false;

async function fetchJson(name) {
  const response = await fetch(new URL(name, self.location.href));
  if (!response.ok) throw new Error(`search: ${response.status} for ${response.url}`);
  return response.json();
}

function load() {
  loading ??= Promise.all([fetchJson(names.records), fetchJson(names.postings)]).then(
    ([records, postings]) => openIndex(records, postings),
  );
  return loading;
}

async function answer(query) {
  const ticket = ++newest;
  let items = [];
  try {
    const wants = readQuery(String(query));
    if (wants.length) items = results(await load(), wants);
  } catch (error) {
    if (!isReported) console.error(error);
    isReported = true;
  }
  if (ticket === newest) self.postMessage({ type: RESULT, data: { items } });
}

self.addEventListener("message", ({ data: { type, data } }) => {
  if (type === SETUP) {
    names = data.config.index;
    self.postMessage({ type: READY });
  } else if (type === QUERY) {
    answer(data);
  }
});
