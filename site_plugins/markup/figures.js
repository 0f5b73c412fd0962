// A figure opens large: by a click on it, or by its button, which the keyboard reaches. The picture
// itself moves into a dialog and back, so that no id is there twice.
((ENLARGE, CLOSE, FIGURE, TABLE) => {
  const PICTURES =
    ".md-content :is(figure :is(svg, img), p > img:only-child):not(a *, svg *, .trellis-stage *)";

  const button = (label, text = "") => {
    const made = document.createElement("button");
    made.ariaLabel = label;
    made.textContent = text;
    return made;
  };

  const enlarge = (picture, opener) => {
    const { width, height } = picture.getBoundingClientRect();
    const place = document.createElement("div");
    place.style.height = `${height}px`;
    const dialog = document.createElement("dialog");
    const drawn = +picture.getAttribute("width") || picture.naturalWidth || width;
    dialog.className = "trellis-large";
    dialog.ariaLabel = picture.closest("figure")?.querySelector("figcaption")?.textContent || FIGURE;
    dialog.style.cssText = `--width: ${drawn}px; --shape: ${width / height}`;
    picture.replaceWith(place);
    place.after(dialog);
    dialog.append(button(CLOSE, "×"), picture);
    dialog.onclick = () => dialog.close();
    dialog.onclose = () => {
      place.replaceWith(picture);
      dialog.remove();
    };
    opener.focus({ preventScroll: true }); // where the focus comes back to
    dialog.showModal();
  };

  const prepare = () => {
    for (const picture of document.querySelectorAll(PICTURES)) {
      if (picture.matches("p > *") && picture.parentNode.textContent.trim()) continue; // an icon
      const opener = button(ENLARGE);
      opener.className = "trellis-enlarge";
      opener.onclick = () => enlarge(picture, opener);
      picture.onclick = () => picture.closest("dialog") || enlarge(picture, opener);
      picture.after(opener);
    }
  };

  // What scrolls can be reached by keyboard: tables, which the theme forgets, and code, which it
  // turns to when it comes into sight. What a fold hides is not measured: it would be laid out.
  const reach = () => {
    const scrolls = (area) => area.scrollWidth > area.clientWidth;
    for (const area of document.querySelectorAll(".md-typeset__scrollwrap"))
      if (scrolls(area)) Object.assign(area, { tabIndex: 0, role: "group", ariaLabel: TABLE });
    for (const code of document.querySelectorAll("pre > code:not(details:not([open]) *)"))
      if (scrolls(code)) code.tabIndex = 0;
  };

  // The theme makes each code block's buttons a landmark, all without a name.
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) if (node.className === "md-code__nav") node.role = "none";
  }).observe(document.body, { childList: true, subtree: true });

  window.document$ ? document$.subscribe(prepare) : prepare();
  addEventListener("load", reach);
  addEventListener("resize", reach);
  addEventListener("toggle", reach, true);
})(PHRASES);
