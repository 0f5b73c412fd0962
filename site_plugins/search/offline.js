// Lets the search box work from file://, where a browser starts no workers and fetches no files.
//
// A page loads this before the theme's script. It does the worker's part in the page itself, and
// what the worker would fetch it loads as scripts: `x.json` as `x.json.js`, which calls
// trellisFile("x.json", content). `offline.py` puts the worker's script below.
"use strict";

(() => {
  if (location.protocol !== "file:") return;
  const folder = new URL(".", document.currentScript.src);
  const waiting = new Map(); // name -> what to do with its content

  window.trellisFile = (name, content) => {
    waiting.get(name)?.(content);
    waiting.delete(name);
  };

  function load(name) {
    return new Promise((resolve) => {
      const done = (content) =>
        resolve({ ok: content !== null, status: 404, url: name, json: async () => content });
      const script = document.createElement("script");
      script.src = new URL(`${name}.js`, folder);
      script.onerror = () => done(null);
      waiting.set(name, done);
      document.head.append(script);
    });
  }

  window.Worker = class extends EventTarget {
    constructor() {
      super();
      let receive = null;
      const self = {
        location: { href: folder.href },
        addEventListener: (_, listener) => (receive = listener),
        postMessage: (data) => this.dispatchEvent(new MessageEvent("message", { data })),
      };
      work(self, (url) => load(url.href.slice(folder.href.length)));
      this.postMessage = (data) => setTimeout(() => receive({ data }));
    }
    terminate() {}
  };
})();

function work(self, fetch) {
  /* worker.js */
}
