// The words of an address at which there is nothing are a query for what was meant.
{
  const form = document.querySelector(".trellis-absent");
  let path = location.pathname;
  try {
    path = decodeURIComponent(path);
  } catch {} // no text: its characters will do
  const folder = (url) => new URL(url).pathname.replace(/[^/]*$/, "");
  let base = folder(form.action);
  // Hosts have one such page for all editions: the search is that of the edition meant.
  for (const edition of document.querySelectorAll(".md-header a[hreflang]")) {
    const root = folder(edition.href);
    if (path.startsWith(root) && root.length > base.length) form.action = base = root;
  }
  if (path.startsWith(base)) path = path.slice(base.length);
  const words = path.replace(/(index)?\.\w+$/, "").split(/[^\p{L}\p{N}]+/u);
  form.q.value = words.filter((word) => /\p{L}/u.test(word)).join(" ");
}
