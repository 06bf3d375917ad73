// Nothing here is needed to read the page: it opens thoughts all at once, enlarges pictures and prints what is folded.
(() => {
  "use strict";
  const all = (selector) => [...document.querySelectorAll(selector)];

  const thoughts = all("details.why, details.pair");
  const tools = document.querySelector(".tools");
  if (thoughts.length && tools) {
    const button = document.createElement("button");
    const label = () => { button.textContent = thoughts.some((d) => !d.open) ? "Open all thoughts" : "Close all thoughts"; };
    button.onclick = () => { const open = thoughts.some((d) => !d.open); thoughts.forEach((d) => { d.open = open; }); label(); };
    thoughts.forEach((d) => d.addEventListener("toggle", label));
    label();
    tools.append(button);
  }

  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView({ block: "center" }); }
  };
  addEventListener("hashchange", reveal);
  reveal();

  let folded = [];
  addEventListener("beforeprint", () => { folded = all("details.why").filter((d) => !d.open); folded.forEach((d) => { d.open = true; }); });
  addEventListener("afterprint", () => folded.forEach((d) => { d.open = false; }));

  const figures = all("figure.picture").filter((f) => f.querySelector("img"));
  if (!figures.length || typeof HTMLDialogElement === "undefined") return;
  const dialog = document.createElement("dialog");
  const strip = document.createElement("div"), caption = document.createElement("div"), name = document.createElement("span"), close = document.createElement("button");
  strip.className = "film-strip";
  caption.className = "caption";
  close.textContent = "Close";
  caption.append(name, close);
  dialog.append(strip, caption);
  document.body.append(dialog);
  let at = 0;
  const show = (i) => {
    at = (i + figures.length) % figures.length;
    strip.replaceChildren(...[...figures[at].querySelectorAll("img")].map((img) => img.cloneNode()));
    name.textContent = figures[at].dataset.name;
    if (!dialog.open) dialog.showModal();
  };
  close.onclick = () => dialog.close();
  dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.tagName === "IMG") dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(at + 1);
    if (event.key === "ArrowLeft") show(at - 1);
  });
  document.addEventListener("click", (event) => {
    const thumb = event.target.closest && event.target.closest(".thumb");
    const figure = thumb ? document.getElementById(thumb.dataset.of) : event.target.closest && event.target.closest("figure.picture");
    const i = figures.indexOf(figure);
    if (i < 0 || dialog.contains(event.target)) return;
    event.preventDefault();
    show(i);
  });
})();
