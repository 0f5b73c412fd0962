// The words of an address at which there is nothing are a query for what was meant.
{
  const form = document.querySelector(".trellis-absent");
  let path = location.pathname;
  try {
    path = decodeURIComponent(path);
  } catch {} // no text: its characters will do
  const base = new URL(form.action).pathname.replace(/[^/]*$/, "");
  if (path.startsWith(base)) path = path.slice(base.length);
  const words = path.replace(/(index)?\.\w+$/, "").split(/[^\p{L}\p{N}]+/u);
  form.q.value = words.filter((word) => /\p{L}/u.test(word)).join(" ");
}
