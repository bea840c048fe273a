// The film: one frame after another of the plane, the loss surface, and the layers.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const last = data.steps.length - 1;
const palette = [
  "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee",
  "#aa3377", "#ee8866", "#44bb99", "#99ddff", "#bbbbbb",
];
let current = 0,
  timer = null;
const drawings = []; // functions that draw a frame

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const channels = (hex) => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
const mixed = (a, b, share) => a.map((x, i) => Math.round(x + (b[i] - x) * share));
const shown = (n) =>
  n === null ? "not finite" : String(Number(n.toPrecision(4))).replace("-", "−");

/** The bytes of a PNG, row by row; the colours are ours to choose. */
async function bytes(base64) {
  const picture = new Image();
  picture.src = `data:image/png;base64,${base64}`;
  await picture.decode();
  const canvas = make("canvas", { width: picture.width, height: picture.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, picture.width, picture.height).data;
  return Uint8Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i]);
}

/** Colours of numbers: blue above zero, red below, the ground at it. */
function signed() {
  const [zero, up, down] = ["--zero", "--positive", "--negative"].map((n) => channels(colour(n)));
  const none = channels(colour("--line"));
  return Array.from({ length: 256 }, (_, code) => {
    if (code === 0) return none;
    const share = (code - 128) / 127;
    return mixed(zero, share > 0 ? up : down, Math.abs(share));
  });
}

/** Colours of classes, pale where the network is not sure. */
function ofClasses() {
  const ground = channels(colour("--ground"));
  return Array.from({ length: 256 }, (_, code) => {
    const k = Math.min(Math.floor(code / 25), palette.length - 1);
    return mixed(ground, channels(palette[k]), 0.12 + 0.5 * ((code % 25) / 24));
  });
}

/** Colours from low to high. */
function ofHeights() {
  const ends = [channels(colour("--accent")), channels(colour("--panel"))];
  return Array.from({ length: 256 }, (_, code) => mixed(ends[0], ends[1], code / 255));
}

/** An image of one frame of a series, in colours. */
function coloured(codes, [height, width], frame, colours) {
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = colours[codes[frame * width * height + i]];
    image.data.set([r, g, b, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A figure with a canvas in it, which is as sharp as the screen. */
function panel(parent, title, note, height, label) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  const figure = make("figure", {}, make("figcaption", {}, make("b", {}, title), ` ${note}`), canvas);
  parent.append(figure);
  return {
    canvas,
    figure,
    /** Its context in units of CSS pixels, cleared. */
    begin() {
      const width = canvas.clientWidth || 300;
      const scale = window.devicePixelRatio || 1;
      const tall = height ?? width;
      canvas.style.height = `${tall}px`;
      canvas.width = width * scale;
      canvas.height = tall * scale;
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      context.imageSmoothingEnabled = false;
      context.font = "12px system-ui, sans-serif";
      return [context, width, tall];
    },
  };
}

function curve(context, points, stroke, width = 2) {
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

function dot(context, x, y, radius, fill, line) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  if (!line) return;
  context.lineWidth = 1;
  context.strokeStyle = line;
  context.stroke();
}

// ------------------------------------------------------------------------------------ the panels

async function addPlane(parent) {
  const plane = data.plane;
  if (!plane) return;
  const place = ([x, y], width, height) => [
    ((x - plane.low[0]) / (plane.high[0] - plane.low[0])) * width,
    height - ((y - plane.low[1]) / (plane.high[1] - plane.low[1])) * height,
  ];
  if (plane.kind === "line") {
    addLine(parent, plane);
    return;
  }
  const title = plane.kind === "classes" ? "Classes" : "Answers";
  const note =
    plane.kind === "classes" ? "pale where it is not sure" : "blue above the threshold, red below";
  const view = panel(parent, title, note, null, "What the network answers in the plane");
  const codes = await bytes(plane.image);
  drawings.push((frame) => {
    const [context, width, height] = view.begin();
    const colours = plane.kind === "classes" ? ofClasses() : signed();
    context.drawImage(coloured(codes, plane.size, frame, colours), 0, 0, width, height);
    plane.points.forEach((point, i) => {
      const [x, y] = place(point, width, height);
      const target = plane.targets[i];
      const fill =
        plane.kind === "classes"
          ? palette[Math.min(Math.max(target, 0), palette.length - 1)]
          : colour(target > 0.5 ? "--positive" : "--negative");
      dot(context, x, y, 3, fill, colour("--ground"));
    });
  });
}

function addLine(parent, plane) {
  const view = panel(parent, "Curve", "and the data", null, "The curve that the network computes");
  const all = [...plane.targets, ...plane.curves.flat()].filter((n) => n !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  drawings.push((frame) => {
    const [context, width, height] = view.begin();
    const y = (value) => height - 8 - ((value - low) / (high - low || 1)) * (height - 16);
    const x = (value) => ((value - plane.low[0]) / (plane.high[0] - plane.low[0])) * width;
    plane.points.forEach(([at], i) =>
      dot(context, x(at), y(plane.targets[i]), 2.5, colour("--muted")),
    );
    const points = plane.curves[frame].map((v, i, { length }) => [
      (i / (length - 1)) * width,
      y(v ?? low),
    ]);
    curve(context, points, colour("--accent"));
  });
}

function addLoss(parent) {
  const logs = data.losses.every((n) => n === null || n > 0);
  const height = (n) => (logs ? Math.log10(n) : n);
  const finite = data.losses.filter((n) => n !== null).map(height);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const view = panel(parent, "Loss", logs ? "on a logarithmic scale" : "", null, "The loss");
  const read = make("div", { class: "read" });
  view.figure.append(read);
  drawings.push((frame) => {
    const [context, width, tall] = view.begin();
    const place = (i) => [
      (data.steps[i] / (data.steps[last] || 1)) * (width - 20) + 10,
      tall - 10 - ((height(data.losses[i]) - low) / (high - low || 1)) * (tall - 20),
    ];
    const known = data.losses.map((n, i) => i).filter((i) => data.losses[i] !== null);
    curve(context, known.map(place), colour("--line"));
    curve(context, known.filter((i) => i <= frame).map(place), colour("--accent"));
    if (data.losses[frame] !== null) dot(context, ...place(frame), 5, colour("--accent"));
    const right = data.accuracies[frame];
    read.textContent =
      `step ${data.steps[frame].toLocaleString("en")}: loss ${shown(data.losses[frame])}` +
      (right === null ? "" : `, ${(100 * right).toFixed(1)} % right`);
  });
}

async function addSurface(parent) {
  const surface = data.surface;
  const note = `along the two directions in which the parameters moved most; blue is low`;
  const view = panel(parent, "Loss surface", note, null, "The loss around the way of the parameters");
  const read = make("div", { class: "read" });
  read.textContent =
    `${shown(surface.range[0])} to ${shown(surface.range[1])}${surface.log ? ", logarithmic" : ""}; ` +
    `the plane holds ${(100 * surface.share).toFixed(0)} % of the movement`;
  view.figure.append(read);
  const codes = await bytes(surface.image);
  drawings.push((frame) => {
    const [context, width, height] = view.begin();
    context.imageSmoothingEnabled = true;
    context.drawImage(coloured(codes, surface.size, 0, ofHeights()), 0, 0, width, height);
    const place = ([x, y]) => [
      ((x - surface.low[0]) / (surface.high[0] - surface.low[0])) * width,
      height - ((y - surface.low[1]) / (surface.high[1] - surface.low[1])) * height,
    ];
    const way = surface.way.slice(0, frame + 1).map(place);
    curve(context, way, colour("--way"));
    dot(context, ...way[frame], 5, colour("--negative"), colour("--ground"));
  });
}

const KINDS = {
  weight: ["Weights", "kernels are tiles"],
  activation: ["Activations", "a row for each example"],
  gradient: ["Gradients", "of the loss, by the weights"],
};

async function addLayers(parent) {
  for (const [kind, [title, note]] of Object.entries(KINDS)) {
    const layers = data.layers.filter((layer) => layer.kind === kind);
    if (!layers.length) continue;
    parent.append(make("h2", {}, `${title}: ${note}; blue is positive, red negative`));
    const grid = make("div", { class: "maps" });
    parent.append(grid);
    for (const layer of layers) await addMap(grid, layer);
  }
}

async function addMap(parent, layer) {
  const [height, width] = layer.size;
  const canvas = make("canvas", { width, height, role: "img", "aria-label": layer.name });
  const note = ` ${layer.shape.join("×")}, up to ±${shown(layer.bound)}${layer.cut ? ", cut" : ""}`;
  const read = make("div", { class: "read" });
  const caption = make("figcaption", {}, make("b", {}, layer.name), note);
  parent.append(make("figure", {}, caption, canvas, read));
  canvas.style.aspectRatio = `${width} / ${height}`;
  const codes = await bytes(layer.image);
  const size = () => {
    read.textContent = `root mean square ${shown(layer.sizes[current])}`;
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = Math.min(box.width / width, box.height / height);
    const c = Math.floor((event.clientX - box.left) / scale);
    const r = Math.floor((event.clientY - box.top) / scale);
    const code = c < width && r < height ? codes[(current * height + r) * width + c] : 0;
    if (code) read.textContent = `[${r}, ${c}] ≈ ${shown(((code - 128) / 127) * layer.bound)}`;
    else size();
  });
  canvas.addEventListener("pointerleave", size);
  drawings.push((frame) => {
    canvas.getContext("2d").drawImage(coloured(codes, layer.size, frame, signed()), 0, 0);
    size();
  });
}

// ---------------------------------------------------------------------------------- going through

function show(frame) {
  current = Math.max(0, Math.min(last, frame));
  for (const draw of drawings) draw(current);
  byId("scrub").value = current;
  byId("position").textContent = `frame ${current + 1} of ${last + 1}`;
  document.body.dataset.frame = current;
}

function pause() {
  clearInterval(timer);
  timer = null;
  byId("play").textContent = "▶ Play";
}

function play() {
  if (timer) return pause();
  if (current === last) show(0);
  byId("play").textContent = "❚❚ Pause";
  timer = setInterval(() => (current === last ? pause() : show(current + 1)), 160);
}

function start() {
  byId("scrub").max = last;
  byId("scrub").addEventListener("input", (event) => {
    pause();
    show(Number(event.target.value));
  });
  byId("play").addEventListener("click", play);
  byId("back").addEventListener("click", () => (pause(), show(current - 1)));
  byId("next").addEventListener("click", () => (pause(), show(current + 1)));
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const setTheme = (isDark) => {
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    show(current);
  };
  dark.addEventListener("change", (event) => setTheme(event.matches));
  byId("theme").addEventListener("click", () =>
    setTheme(document.documentElement.dataset.theme === "light"),
  );
  window.addEventListener("resize", () => show(current));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.id === "scrub") return;
    if (event.key === " " && !event.target.matches("button")) {
      event.preventDefault();
      play();
    }
    const moves = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: last };
    if (event.key in moves) {
      pause();
      show(moves[event.key]);
    }
  });
  setTheme(dark.matches);
}

(async () => {
  const main = byId("main");
  const top = make("div", { class: "top" });
  main.append(top);
  await addPlane(top);
  await addSurface(top);
  addLoss(top);
  await addLayers(main);
  start();
  document.body.dataset.ready = "yes";
})();
