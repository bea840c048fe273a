// Going from step to step: buttons, keys, the slider, play, and the address.  Starts the page.

function show(index) {
  current = Math.max(0, Math.min(steps.length - 1, index));
  const view = views[steps[current].kind](steps[current]);
  const guided = wantGuide ?? current === 0;
  panel.replaceChildren(...(guided ? [guide()] : []), ...view.parts);
  panel.scrollTop = 0;
  byId("help").setAttribute("aria-expanded", guided);
  hintAtScrolling();
  lightGraph();
  byId("scrub").value = current;
  byId("scrub").setAttribute(
    "aria-valuetext",
    `step ${current + 1} of ${steps.length}, ${view.title}`,
  );
  const phase = current < firstBackward ? "forward" : "backward";
  byId("position").textContent = `${current + 1} / ${steps.length} ${phase}`;
  byId("announce").textContent = `Step ${current + 1} of ${steps.length}. ${view.title}`;
  for (const id of ["first", "back"]) byId(id).disabled = current === 0;
  for (const id of ["next", "last"]) byId(id).disabled = current === steps.length - 1;
  document.body.dataset.step = current;
}

/** Say so where a matrix is wider or taller than there is room for. */
function hintAtScrolling() {
  panel.querySelectorAll(".scroll").forEach((area) => {
    const sideways = area.scrollWidth > area.clientWidth + 1,
      down = area.scrollHeight > area.clientHeight + 1;
    area.parentNode.classList.toggle("more", sideways || down);
    if (sideways || down) {
      area.tabIndex = 0;
      area.setAttribute("role", "group");
      area.setAttribute("aria-label", `${area.firstChild.getAttribute("aria-label")}, scrolls`);
    }
    area.previousSibling.querySelector(".hint").textContent =
      sideways || down ? ` · scroll${sideways ? " →" : ""}${down ? " ↓" : ""}` : "";
  });
}

const hash = (index) => `#step=${index + 1}${wantJacobian ? "&jacobian" : ""}`;

let unwritten = null; // a timer: the step is shown, and not yet in the address

function writeHash() {
  clearTimeout(unwritten);
  unwritten = null;
  location.replace(hash(current));
}

/** Go to a step; `quietly` leaves no entry in the browser's history, and may be often. */
function go(index, quietly = false) {
  const to = Math.max(0, Math.min(steps.length - 1, index));
  if (unwritten && !quietly) writeHash();
  show(to);
  if (!quietly) {
    location.hash = hash(to);
    return;
  }
  clearTimeout(unwritten); // browsers take some 200 addresses in half a minute
  unwritten = setTimeout(writeHash, 250);
}

function readHash() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  wantJacobian = wanted.has("jacobian");
  byId("jacobian").checked = wantJacobian;
  const index = Number.parseInt(wanted.get("step") ?? "1", 10) - 1;
  show(Number.isFinite(index) ? index : 0);
}

function pause() {
  clearInterval(timer);
  timer = null;
  byId("play").textContent = "▶ Play";
  byId("play").setAttribute("aria-label", "Play");
}

function play() {
  if (timer) {
    pause();
    return;
  }
  if (current === steps.length - 1) go(0);
  byId("play").textContent = "❚❚ Pause";
  byId("play").setAttribute("aria-label", "Pause");
  timer = setInterval(() => {
    if (current === steps.length - 1) pause();
    else go(current + 1, true);
  }, 1400);
}

const move = (to) => (event) => {
  pause();
  go(to(), event.repeat === true); // a key that is held
};
const moves = {
  first: move(() => 0),
  back: move(() => current - 1),
  next: move(() => current + 1),
  last: move(() => steps.length - 1),
};
for (const [id, action] of Object.entries(moves)) byId(id).addEventListener("click", action);
byId("play").addEventListener("click", play);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the step
  panel.focus();
});
byId("help").addEventListener("click", () => {
  wantGuide = !(wantGuide ?? current === 0);
  show(current);
});
window.addEventListener("resize", hintAtScrolling);
byId("track").style.setProperty("--forward", `${(100 * firstBackward) / steps.length}%`);
byId("scrub").max = steps.length - 1;
byId("scrub").addEventListener("input", (event) => {
  pause();
  go(Number(event.target.value), true);
});
byId("jacobian").addEventListener("change", (event) => {
  wantJacobian = event.target.checked;
  go(current, true);
});
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const setTheme = (isDark) => {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
};
setTheme(dark.matches);
dark.addEventListener("change", (event) => setTheme(event.matches));
byId("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme === "light"),
);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const inControl = event.target.matches("input, button, a, [role=button]");
  const keys = {
    ArrowLeft: moves.back,
    ArrowRight: moves.next,
    Home: moves.first,
    End: moves.last,
    j: () => byId("jacobian").click(),
    J: () => byId("jacobian").click(),
    "?": () => byId("help").click(),
    "+": () => zoomBy(1.25),
    "-": () => zoomBy(0.8),
    0: () => zoomBy(null),
    "/": () => byId("find").focus(),
  };
  if (
    event.target.id === "scrub" ||
    (event.target.matches(".scroll") && event.key.startsWith("Arrow"))
  )
    return;
  if (event.key === " " && !inControl) {
    event.preventDefault();
    play();
    return;
  }
  if (event.key in keys) {
    event.preventDefault();
    keys[event.key](event);
  }
});
window.addEventListener("hashchange", () => {
  if (!unwritten && location.hash !== hash(current)) readHash();
});


/** Symbols, names and modules that can be jumped to, each with its vertex. */
const places = new Map();
vertices.forEach((v, i) => {
  for (const name of [v.symbol, v.name, v.module])
    if (name !== undefined && !places.has(name)) places.set(name, i);
});
byId("places").append(...[...places.keys()].map((name) => make("option", { value: name })));
byId("find").addEventListener("change", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  const names = [...places.keys()];
  const found =
    names.find((name) => name.toLowerCase() === wanted) ??
    names.find((name) => wanted && name.toLowerCase().includes(wanted));
  event.target.setCustomValidity(found || !wanted ? "" : "no tensor or module has that name");
  event.target.reportValidity();
  if (!found) return;
  const vertex = places.get(found);
  groups.filter((group) => closed(group) && group.members.includes(vertex)).forEach(open);
  goTo(vertex);
  boxes[itemOf[vertex]].querySelector("rect").scrollIntoView({ block: "center" });
});
byId("closer").addEventListener("click", () => zoomBy(1.25));
byId("farther").addEventListener("click", () => zoomBy(0.8));
byId("fit").addEventListener("click", () => zoomBy(null));

drawGraph();
readHash();
