// Plays the steps of a figure: a slider, two buttons, and the sentence of the step.
// The figure as it stands and all sentences are there already, for readers without scripts.
const WORDS = document.documentElement.lang.startsWith("zh")
  ? { step: "步骤", back: "上一步", on: "下一步" }
  : { step: "Step", back: "Previous step", on: "Next step" };

for (const figure of document.querySelectorAll(".trellis-steps")) {
  const steps = JSON.parse(figure.querySelector("script").textContent);
  const sentences = [...figure.querySelector("ol").children];
  const scrolling = figure.querySelector(".trellis-stage");
  const texts = figure.querySelectorAll("[data-text]");
  const parts = figure.querySelectorAll("[data-part]");

  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 1, max: steps.length, value: 1 });
  slider.setAttribute("aria-label", WORDS.step);
  const button = (sign, name, by) => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: "md-button", textContent: sign });
    made.setAttribute("aria-label", name);
    made.title = name;
    made.addEventListener("click", () => show(+slider.value + by));
    return made;
  };
  const back = button("←", WORDS.back, -1), on = button("→", WORDS.on, 1);

  function show(now) {
    now = Math.min(Math.max(now, 1), steps.length);
    const text = {}, keep = new Set(), lit = new Set(steps[now - 1].lit);
    for (const step of steps.slice(0, now)) {
      Object.assign(text, step.text);
      step.keep.forEach((part) => keep.add(part));
    }
    for (const one of texts) one.textContent = text[one.dataset.text] ?? "";
    for (const one of parts) {
      one.classList.toggle("trellis-lit", lit.has(one.dataset.part));
      one.classList.toggle("trellis-kept", keep.has(one.dataset.part));
    }
    sentences.forEach((one, at) => one.classList.toggle("trellis-now", at === now - 1));
    slider.value = now;
    slider.setAttribute("aria-valuetext", `${now} / ${steps.length}`);
    back.setAttribute("aria-disabled", now === 1);
    on.setAttribute("aria-disabled", now === steps.length);
    follow([...parts].find((one) => lit.has(one.dataset.part) && one.localName === "rect"));
  }

  // A wide figure scrolls sideways in its own box, never the page.
  function follow(part) {
    if (!part) return;
    const at = part.getBoundingClientRect(), box = scrolling.getBoundingClientRect();
    if (at.left < box.left || at.right > box.right)
      scrolling.scrollLeft += (at.left + at.right - box.left - box.right) / 2;
  }

  slider.addEventListener("input", () => show(+slider.value));
  let read; // the step to come back to from the printer
  addEventListener("beforeprint", () => { read = +slider.value; show(steps.length); });
  addEventListener("afterprint", () => show(read));
  const controls = document.createElement("div");
  controls.className = "trellis-controls";
  controls.append(back, slider, on);
  scrolling.after(controls);
  figure.querySelector("ol").setAttribute("aria-live", "polite");
  figure.classList.add("trellis-plays");
  show(1);
}
