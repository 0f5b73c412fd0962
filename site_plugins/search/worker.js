// The search worker: answers the queries of Material's search box from our own index.
//
//     <- 0 SETUP {config: {index, editions}}        the name of the index file, and where the
//                                                   site is in other languages: {zh: "zh/"}
//     -> 1 READY
//     <- 2 QUERY string
//     -> 3 RESULT {items: [[section, ...], ...]}    a list a page, best first
//
// The files lie beside this script, so that any sub-path will do, and are fetched at the
// first query. The theme writes titles, texts and tags into the page as HTML: whatever
// leaves this file in one of them has been through escapeHtml. `ranking.py` ranks in the same
// way, function by function.
"use strict";

const [SETUP, READY, QUERY, RESULT] = [0, 1, 2, 3];
const MAX_PAGES = 20;
const MAX_FETCHED = 10; // pages whose text is fetched, where it is not all in one file
const MAX_SECTIONS = 5; // a page
const MAX_QUERY = 1000; // characters that are read; nobody typed the rest
const MAX_WORDS = 32;
const SNIPPET = 240; // characters
const LEAD = 60; // of them before the first match
const ENOUGH = 20; // marks in a text, if no word of the query is missing
const RERANK = 200; // sections in which a phrase is looked for
const MAX_NEAR = 20; // words that a mistake may have meant
const MAX_HELD = 300; // files
const MAX_SHARDS = 3; // that an unfinished word is looked up in
const BUDGET = 200; // KiB of postings that a query fetches; compressed, they are a quarter
const [IN_TITLE, IN_BODY, VERBATIM] = [4, 3, 4]; // what a phrase, or the very signs, are worth
const NEAR = [1, 0.6, 0.3]; // what a hit counts by the number of mistakes
const WORD_OF_KNOWN = 0.1; // what a word of an identifier counts that was found whole
const PAIR = 0.5; // what two neighbours count, one of them a common word

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

const WORD = /[A-Z]{2,}s(?![^A-Z0-9_])|[A-Z]+(?![^A-Z0-9_])|[A-Z]?[^A-Z0-9_]+|[0-9]+/gu;
const STYLE = new RegExp(
  "\\\\(?:mathbf|mathbb|mathcal|mathrm|mathit|mathsf|mathtt|mathfrak|mathop|boldsymbol|bm|pmb" +
    "|text|textbf|textit|textrm|operatorname|left|right|big|bigl|bigr|Big|Bigl|Bigr" +
    "|displaystyle|textstyle|limits|nolimits|quad|qquad|begin|end|aligned|boxed|overset" +
    "|underset|phantom)(?![A-Za-z])",
  "g",
);
const GREEK = /(?<![\u0370-\u03ff])[\u0391-\u03a9\u03b1-\u03c9](?![\u0370-\u03ff])/gu;
const NAMES = (
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho " +
  "sigma sigma tau upsilon phi chi psi omega"
).split(" ");

function tokens(text) {
  return pieces(clean(text)).flatMap(parts);
}

function line(text) {
  return pieces(clean(text)).flatMap(words).join(" ");
}

function clean(text) {
  const plain = text.normalize("NFKC").replace(STYLE, " ").replaceAll("_{", "_").replaceAll("}_", "_");
  return plain.replace(GREEK, (letter) => {
    const code = letter.charCodeAt(0);
    return NAMES[code - (code >= 0x3b1 ? 0x3b1 : 0x391)];
  });
}

function pieces(text) {
  return text.match(PIECE) || [];
}

function parts(piece) {
  if (CJK_FIRST.test(piece)) {
    const characters = [...piece];
    return characters.map((character, i) => character + (characters[i + 1] || ""));
  }
  const found = words(piece);
  const whole = lower(piece);
  if (found.length === 1 && whole[0] !== "_" && whole.at(-1) !== "_") return found;
  return found.length ? [whole, ...found] : [];
}

function pairs(found, common) {
  const ends = found.map((piece) => {
    if (CJK_FIRST.test(piece)) return [piece.slice(0, 2), piece.slice(-2)];
    return [words(piece)[0] || "", words(piece).at(-1) || ""];
  });
  const both = ends.slice(1).map(([head], i) => [ends[i][1], head]);
  const kept = both.filter((pair) => pair.some((word) => common.has(word)));
  return kept.map((pair) => pair.join(" "));
}

function words(piece) {
  if (CJK_FIRST.test(piece)) return [piece];
  return (piece.match(WORD) || []).map((word) => singular(lower(word)));
}

function lower(text) {
  return text.toLowerCase().replaceAll("ς", "σ").replaceAll("ß", "ss");
}

function singular(word) {
  const last = word.at(-2);
  if ([...word].length < 4 || !word.endsWith("s") || "sui".includes(last)) return word;
  if (/(?:ss|x|z|sh|[tnr]ch)es$/.test(word)) return word.slice(0, -2);
  const isIes = word.endsWith("ies") && [...word].length > 4;
  return isIes ? word.slice(0, -3) + "y" : word.slice(0, -1);
}

// The query: filters (tag:hmm), phrases in quotes, and wants. A want is a token, the piece it was
// typed in, and whether it is open, that is, may go on: the end of the query, and a Chinese
// character on its own. The words of an identifier are wants as well, marked as parts.

const FILTER = /(?:^|\s)(tag|lang|after|before|in):("[^"]*"|\S+)/giu;

function readQuery(text) {
  const filters = [];
  const rest = text.slice(0, MAX_QUERY).replace(FILTER, (_, name, value) => {
    filters.push([name.toLowerCase(), lower(value.replaceAll('"', ""))]);
    return " ";
  });
  const typed = pieces(clean(rest)).slice(0, MAX_WORDS);
  const quoted = [...rest.matchAll(/"([^"]*)"/g)].map(([, phrase]) => line(phrase));
  return {
    filters,
    phrases: quoted.filter(Boolean),
    line: line(rest),
    signs: /[\\{}^_=]/.test(rest) ? squeeze(rest) : "", // of a formula, or of code
    typed,
    wants: readWants(typed, /[\s"]$/.test(rest)),
  };
}

function readWants(typed, isEnded) {
  const wants = new Map();
  typed.forEach((word, at) => {
    const isCjk = CJK_FIRST.test(word);
    let found = parts(word);
    if (isCjk && found.length > 1) found = found.slice(0, -1); // the pairs say it all
    found.forEach((token, i) => {
      const isLast = at === typed.length - 1 && (i === 0 || i === found.length - 1);
      const isAlone = isCjk && found.length === 1;
      const mayGoOn = isLast && !isEnded && (isCjk || token.length > 1); // a letter begins too much
      const open = mayGoOn || isAlone || Boolean(wants.get(token)?.open);
      wants.set(token, { token, word, open, isCjk, isPart: !isCjk && i > 0, terms: new Map() });
    });
  });
  return [...wants.values()];
}

function squeeze(text) {
  return text.replace(/\s+/gu, "");
}

// The index. A small one is one file. Of a large one that file holds where things are: the range
// of terms in each shard of postings, and how many sections each page has; a page's text, what
// the filters ask for and the words a mistake may have meant have files of their own. Its terms
// are also pairs of neighbours: of common words the lists are too long to be fetched.

// home: where the index's pages are, seen from this edition; folder: its files, from this script
function openIndex(index, home = "", folder = "") {
  if (index.version !== 2) throw new Error("the files are of another version");
  const counts = index.counts || index.pages.map(({ sections }) => sections.length);
  const pageOf = counts.flatMap((count, page) => Array(count).fill(page));
  const firsts = [];
  for (let i = 0, first = 0; i < counts.length; first += counts[i++]) firsts.push(first);
  const common = new Set(index.common);
  return { ...index, home, folder, pageOf, firsts, common, held: new Map() };
}

// Returns what a file holds, or what stands in its place in an index of one file.
function open({ held, folder }, name) {
  if (typeof name !== "string") return name;
  if (!held.has(name)) {
    const content = fetchJson(folder + name);
    held.set(name, content);
    if (held.size > MAX_HELD) held.delete(held.keys().next().value);
    content.catch(() => held.delete(name)); // the next query may have more luck
  }
  return held.get(name);
}

function openPage(index, page) {
  return index.counts ? open(index, `${index.pages}/${page}.json`) : index.pages[page];
}

function openShard(index, at) {
  return open(index, index.counts ? `${index.terms}/${at}.json` : index.shard);
}

// By code point, as Python sorts; `<` would go by UTF-16 units.
function compare(a, b) {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    if (a[i] !== b[i]) return a.codePointAt(i) - b.codePointAt(i);
  }
  return a.length - b.length;
}

// Returns where in a sorted list the first is that is not before the token.
function firstNotBelow(sorted, token) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle], token) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Returns the shards in which a term may be, or those that it begins.
function shardsFor({ starts }, { token, open }) {
  const after = firstNotBelow(starts, token);
  let end = after + (starts[after] === token ? 1 : 0);
  const start = Math.max(0, end - 1);
  while (open && end < starts.length && starts[end].startsWith(token)) end++;
  const numbers = [...starts.keys()];
  return numbers.slice(start, Math.min(Math.max(end, start + 1), start + MAX_SHARDS));
}

// Gives wants their terms, and returns those that have been looked for: the longest lists say
// least, and are left out where there is enough without them.
async function findAll(index, wants) {
  const asked = wants.map((want) => {
    const shards = shardsFor(index, want);
    return { want, shards, size: shards.reduce((sum, at) => sum + (index.sizes?.[at] || 0), 0) };
  });
  asked.sort((a, b) => a.want.isPart - b.want.isPart || a.size - b.size);
  let spent = 0;
  for (const one of asked) one.want.isLeft = (spent += one.size) > BUDGET && one !== asked[0];
  const afforded = asked.filter(({ want }) => !want.isLeft);
  await Promise.all(
    afforded.map(async ({ want, shards }) => {
      const opened = await Promise.all(shards.map((at) => openShard(index, at)));
      for (const shard of opened) findTerms(shard, want, want.open);
      if (!want.terms.size) await findNear(index, want);
    }),
  );
  return wants.filter(({ isLeft }) => !isLeft);
}

// What a hit on a term counts: by how much of it was typed.
function findTerms({ terms, postings }, { token, terms: found }, isOpen, share = 0) {
  for (let at = firstNotBelow(terms, token); at < terms.length; at++) {
    const isMatch = isOpen ? terms[at].startsWith(token) : terms[at] === token;
    if (!isMatch) break;
    found.set(terms[at], { share: share || token.length / terms[at].length, list: postings[at] });
  }
}

// Of a word that is nowhere: the terms that are a typing mistake away, or two.
async function findNear(index, want) {
  const { token } = want;
  if (want.isCjk || want.isPair || token.length < 4) return;
  const known = index.words ? await open(index, index.words) : index.shard.terms;
  let least = token.length < 8 ? 1 : 2;
  let near = [];
  for (const term of known) {
    if (Math.abs(term.length - token.length) > least) continue;
    const edits = distance(token, term, least);
    if (edits > least) continue;
    if (edits < least) near = [];
    least = edits;
    near.push(term);
  }
  for (const term of near.slice(0, MAX_NEAR)) {
    const [at] = shardsFor(index, { token: term });
    findTerms(await openShard(index, at), { token: term, terms: want.terms }, false, NEAR[least]);
  }
}

// Edits that make one word of the other: letters lost, added, changed, and two neighbours in the
// wrong order (optimal string alignment). More than `most` is most + 1: only the band of the
// table within `most` of its diagonal is filled.
function distance(a, b, most) {
  const far = most + 1;
  let [before, above] = [[], []];
  for (let j = 0; j <= b.length; j++) above[j] = j <= most ? j : far;
  for (let i = 1; i <= a.length; i++) {
    const row = [i <= most ? i : far];
    let best = row[0];
    const from = Math.max(1, i - most);
    const to = Math.min(b.length, i + most);
    if (from > 1) row[from - 1] = far;
    for (let j = from; j <= to; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let edits = Math.min(above[j - 1] + (isSame ? 0 : 1), row[j - 1] + 1, (above[j] ?? far) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (before[j - 2] ?? far) + 1);
      }
      row[j] = Math.min(edits, far);
      best = Math.min(best, row[j]);
    }
    if (best > most) return far;
    [before, above] = [above, row];
  }
  return above[b.length] ?? far;
}

// Returns a map from the number of a section to impact.
function lookUp({ terms }) {
  const found = new Map();
  for (const { share, list } of terms.values()) {
    let number = 0;
    for (let i = 0; i < list.length; i += 2) {
      number += list[i];
      found.set(number, Math.max(found.get(number) || 0, share * list[i + 1]));
    }
  }
  return found;
}

// Ranking: rare terms count more, and a section with all of the query beats one with some.

async function rank(index, query) {
  const neighbours = pairs(query.typed, index.common).map((pair) => asPair(pair, query.wants));
  const wants = weigh(await findAll(index, [...query.wants, ...neighbours]));
  const all = wants.reduce((sum, { weight }) => sum + weight, 0);
  const hits = new Map();
  for (const want of wants) {
    const found = lookUp(want);
    const rarity = Math.log(1 + (index.pageOf.length - found.size + 0.5) / (found.size + 0.5));
    for (const [number, impact] of found) {
      const hit = hits.get(number) || { number, score: 0, share: 0, matched: new Set() };
      hit.score += want.weight * rarity * impact;
      hit.share += want.weight / all;
      if (!want.isPair) hit.matched.add(want);
      hits.set(number, hit);
    }
  }
  for (const hit of hits.values()) hit.score *= hit.share ** 2;
  return [...hits.values()].sort(better);
}

function asPair(token, wants) {
  const { open } = wants.at(-1); // only the last pair ends as the query does
  return { token, word: token, open, isPair: true, isPart: false, terms: new Map() };
}

function better(a, b) {
  return b.score - a.score || a.number - b.number;
}

// Of an identifier that is somewhere, the words hardly count; of one that is nowhere, only they.
function weigh(wants) {
  const whole = wants.filter(({ isPart }) => !isPart);
  const found = new Set(whole.filter(({ terms }) => terms.size).map(({ word }) => word));
  const divided = new Set(wants.filter(({ isPart }) => isPart).map(({ word }) => word));
  for (const want of wants) {
    const isKnown = found.has(want.word);
    if (want.isPair) want.weight = PAIR;
    else if (want.isPart) want.weight = isKnown ? WORD_OF_KNOWN : 1;
    else want.weight = isKnown || !divided.has(want.word) ? 1 : 0;
  }
  return wants.filter(({ weight }) => weight);
}

// Returns the hits on the best pages with `page` and `section`, for which text is fetched.
async function withText(index, hits) {
  const most = index.counts ? MAX_FETCHED : Infinity;
  const pages = new Map();
  for (const { number } of hits) {
    if (pages.size < most) pages.set(index.pageOf[number], null);
  }
  await Promise.all([...pages.keys()].map(async (at) => pages.set(at, await openPage(index, at))));
  const kept = hits.filter(({ number }) => pages.has(index.pageOf[number]));
  for (const hit of kept) {
    const at = index.pageOf[hit.number];
    hit.page = pages.get(at);
    hit.section = hit.page.sections[hit.number - index.firsts[at]];
  }
  return kept;
}

// Puts sections first that hold the query as it was typed: its words side by side, or the very
// signs of a formula, which are too common to be found by their letters.
function rerank({ line: asked, signs }, hits) {
  hits.forEach((hit, i) => {
    if (i < RERANK) hit.score *= phraseBonus(hit.section, asked);
    if (signs && hit.share > 0.9 && shown(hit.section).signs.includes(signs)) {
      hit.score *= VERBATIM;
    }
  });
  return hits.sort(better);
}

function phraseBonus(section, asked) {
  if (!asked.includes(" ") && !CJK_FIRST.test(asked)) return 1;
  const { title, body } = shown(section);
  return holds(title, asked) ? IN_TITLE : holds(body, asked) ? IN_BODY : 1;
}

// Words begin where the phrase does, unless it is Chinese.
function holds(text, phrase) {
  return CJK_FIRST.test(phrase) ? text.includes(phrase) : ` ${text}`.includes(` ${phrase}`);
}

const looked = new WeakMap();

// Returns what phrases and signs are looked for in.
function shown(section) {
  if (!looked.has(section)) {
    const body = line([section.text, section.code, ...section.formulas].join("\n"));
    const signs = squeeze([...section.formulas, section.code].join("\n"));
    looked.set(section, { title: line(section.title), body, signs });
  }
  return looked.get(section);
}

// Filters. Some ask for what a page is, some for what a section holds.

const OF_PAGES = {
  tag: ({ tags }, value) => tags.some((tag) => lower(tag) === value),
  lang: ({ language }, value) => lower(language) === value,
  after: ({ date }, value) => date >= value, // 2026-05-01 is after 2026-05
  before: ({ date }, value) => date !== "" && date < value,
};
const FIELDS = {
  code: ({ code }) => code,
  title: ({ title }) => title,
  math: ({ formulas }) => formulas.join("\n"),
};

// Returns what the filters leave of all pages: their numbers.
async function pagesLeft(index, filters) {
  const asked = filters.filter(([name]) => name in OF_PAGES);
  const pages = await open(index, index.facts || index.pages);
  const numbers = [...pages.keys()];
  return numbers.filter((at) => asked.every(([name, value]) => OF_PAGES[name](pages[at], value)));
}

function isHeld({ filters, phrases }, { section, matched }) {
  const { title, body } = filters.length + phrases.length ? shown(section) : {};
  return (
    filters.every(([name, value]) => name !== "in" || isIn(FIELDS[value], section, matched)) &&
    phrases.every((phrase) => holds(title, phrase) || holds(body, phrase))
  );
}

// Is all of the query that was found in a section in this field of it?
function isIn(field, section, matched) {
  if (!field) return false;
  const held = new Set(tokens(field(section)));
  return [...matched].every(({ terms }) => [...terms.keys()].some((term) => held.has(term)));
}

// Returns the pages that filters alone let through, the newest first, as hits.
async function listed(index, left) {
  const pages = await open(index, index.facts || index.pages);
  left.sort((a, b) => compare(pages[b].date, pages[a].date));
  return left.map((at) => ({ number: index.firsts[at], score: 1, matched: new Set() }));
}

async function search(index, query) {
  let hits = query.wants.length ? await rank(index, query) : null;
  if (query.filters.length) {
    const left = await pagesLeft(index, query.filters);
    const isLeft = new Set(left);
    hits = hits?.filter(({ number }) => isLeft.has(index.pageOf[number])) || listed(index, left);
  }
  hits = await withText(index, await hits);
  if (query.wants.length) hits = rerank(query, hits);
  return hits.filter((hit) => isHeld(query, hit));
}

function byPage(hits) {
  const groups = new Map();
  for (const hit of hits) {
    if (!groups.has(hit.page) && groups.size < MAX_PAGES) groups.set(hit.page, []);
    const group = groups.get(hit.page);
    if (group && group.length < MAX_SECTIONS) group.push(hit);
  }
  return [...groups];
}

// Snippets: where the matches are in a text, and the stretch that shows most of them.

// Returns a function from text to the marks in it: {start, end, want}, in order.
function marker(wants) {
  const wanting = new Map(wants.map((want) => [want.token, want]));
  for (const want of wants) for (const term of want.terms.keys()) wanting.set(term, want);
  const wanted = (token) => wanting.get(token) || null;
  const seen = new Map(); // words repeat
  const wantedIn = (piece) => {
    if (!seen.has(piece)) seen.set(piece, tokens(piece).map(wanted).find(Boolean) || null);
    return seen.get(piece);
  };
  const all = wordsOf(wants.map((want) => ({ want })));
  return function marks(text) {
    const found = [];
    for (const { 0: piece, index } of text.matchAll(PIECE)) {
      if (found.length >= ENOUGH && wordsOf(found) === all) break;
      if (!CJK_FIRST.test(piece)) {
        const want = wantedIn(piece);
        if (want) found.push({ start: index, end: index + piece.length, want });
        continue;
      }
      let start = index;
      for (const pair of parts(piece)) {
        const want = wanted(pair);
        const end = start + Math.min(want?.token.length, pair.length);
        if (want) found.push({ start, end, want });
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
  marks.slice(0, 100).forEach(({ start }, i) => {
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
function snippet({ text, code, formulas }, marks) {
  const fields = [text, code, formulas.join(" ")];
  const marked = fields.map((text) => marks(text));
  let best = 0;
  marked.forEach((found, i) => {
    if (wordsOf(found) > wordsOf(marked[best])) best = i;
  });
  const html = cut(fields[best], marked[best]);
  return best === 0 ? html : `<code>${html}</code>`;
}

// Results, in the form that the theme's templates take.

async function results(index, query) {
  const { wants } = query;
  const hits = await search(index, query);
  const marks = marker(wants);
  return byPage(hits).map(([page, hits]) => {
    const of = { ...page, url: index.home + page.url };
    const items = hits.map((hit) => item(of, hit, wants, marks));
    // The theme heads each group with the page itself, and finds it by its lack of a `#`.
    if (!hits.some(({ section }) => !section.anchor)) {
      const head = { section: page.sections[0], score: 0, matched: new Set(wants) };
      items.push(item(of, head, wants, marks));
    }
    return items;
  });
}

function item({ url, tags }, { section, score, matched }, wants, marks) {
  const found = new Set([...matched].map(({ word }) => word));
  return {
    location: url + (section.anchor && `#${encodeURIComponent(section.anchor)}`),
    title: highlight(section.title, marks(section.title)),
    text: snippet(section, marks),
    tags: section.anchor || !tags.length ? undefined : tags.map(escapeHtml),
    score,
    terms: Object.fromEntries(wants.map(({ word, isLeft }) => [word, isLeft || found.has(word)])),
  };
}

// Messages. Only the newest query is answered: while the index loads, the reader types on.

let config = {};
let newest = 0;
const loading = new Map(); // indexes, by where their pages are

async function fetchJson(name) {
  const response = await fetch(new URL(name, self.location.href));
  if (!response.ok) throw new Error(`${response.status} for ${response.url}`);
  return response.json();
}

// Returns the index of this edition, or of the one that `lang:` asks for.
function load({ filters }) {
  const [, language] = filters.find(([name]) => name === "lang") || [];
  const home = config.editions?.[language] || "";
  if (!loading.has(home)) {
    loading.set(home, fetchIndex(home));
    loading.get(home).catch(() => loading.delete(home)); // the next query may have more luck
  }
  return loading.get(home);
}

async function fetchIndex(home) {
  const folder = home && `../${home}search/`;
  const { index } = home ? (await fetchJson(`${folder}search_index.json`)).config : config;
  return openIndex(await fetchJson(folder + index), home, folder);
}

async function answer(query) {
  const ticket = ++newest;
  let items = [];
  try {
    const asked = readQuery(String(query));
    if (asked.wants.length || asked.filters.length) items = await results(await load(asked), asked);
  } catch (error) {
    console.error(`search: ${error.message}`);
    items = [[outOfOrder(error)]];
  }
  if (ticket === newest) self.postMessage({ type: RESULT, data: { items } });
}

// A file is missing or cut off: say so in the box, where the reader looks.
function outOfOrder({ message }) {
  const title = "The search index could not be read";
  const text = `Reload this page and search again. (${escapeHtml(message)})`;
  return { location: "", title, text, score: 0, terms: {} };
}

self.addEventListener("message", ({ data: { type, data } }) => {
  if (type === SETUP) {
    config = data.config;
    self.postMessage({ type: READY });
  } else if (type === QUERY) {
    answer(data);
  }
});
