// The graph beside the panel: where its boxes stand, how it is drawn, and what is lit.

/** What is drawn as one box: a vertex, or the vertices of a group that is not opened. */
let items = [],
  itemOf = [];
const opened = new Set(); // groups
const closed = (group) => !opened.has(group);

function makeItems() {
  const folded = new Map();
  groups.forEach((group) => {
    if (!closed(group)) return;
    group.members.forEach((i) => {
      if (!folded.has(i)) folded.set(i, group); // a group stands before its parts
    });
  });
  items = [];
  itemOf = vertices.map(() => -1);
  const made = new Map();
  vertices.forEach((v, i) => {
    const group = folded.get(i);
    const key = group ?? i;
    if (!made.has(key)) {
      made.set(key, items.length);
      items.push({ group, vertex: group ? null : i, members: [], inputs: [] });
    }
    itemOf[i] = made.get(key);
    items[itemOf[i]].members.push(i);
  });
  items.forEach((item, k) => {
    const from = item.members.flatMap((i) => vertices[i].inputs.map((j) => itemOf[j]));
    item.inputs = [...new Set(from)].filter((j) => j !== k);
  });
}

/** Layers from top to bottom; long edges pass through points of their own in each layer. */
function layOut() {
  makeItems();
  const { points, edges } = pointsOf(ranks());
  const layers = [];
  points.forEach((p, i) => (layers[p.layer] ??= []).push(i));
  order(points, layers);
  spread(points, layers);
  points.forEach((p) => {
    p.y = 30 + p.layer * 86;
  });
  return { points, edges, height: 60 + (layers.length - 1) * 86 };
}

/** The layer of each item: below all its operands; a leaf just above the first op on it.
 *  What leads back into a group, which stands above it, is not counted. */
function ranks() {
  const layer = items.map(() => -1),
    users = items.map(() => []);
  items.forEach((item, k) => item.inputs.forEach((j) => users[j].push(k)));
  const last = (k) => items[k].members.at(-1);
  const order = items.map((_, k) => k).sort((a, b) => last(a) - last(b));
  order.forEach((k) => {
    layer[k] = 1 + Math.max(-1, ...items[k].inputs.map((j) => layer[j]));
  });
  items.forEach((item, k) => {
    if (!item.inputs.length && users[k].length)
      layer[k] = Math.max(0, Math.min(...users[k].map((j) => layer[j])) - 1);
  });
  return layer;
}

/** What the box of an item says: its symbol or title, and a line below. */
function labelsOf({ group, vertex }) {
  if (group) return [cut(group.title, 28), `${group.members.length} tensors`];
  const v = vertices[vertex];
  return [cut(v.symbol, 20), v.formula ? cut(v.formula, 24) : v.shape];
}

/** A point for each item, then those of the edges that pass through layers; and the edges. */
function pointsOf(layer) {
  const points = items.map((item, k) => {
    const [symbol, label] = labelsOf(item);
    const letters = Math.max([...symbol].length * 1.15, [...label].length);
    return {
      layer: layer[k],
      width: Math.max(64, letters * 7.2 + 22),
      up: [],
      down: [],
      label,
      symbol,
    };
  });
  const edges = [];
  items.forEach((item, i) =>
    item.inputs
      .filter((j) => layer[j] < layer[i])
      .forEach((j) => {
        const chain = [j];
        for (let k = layer[j] + 1; k < layer[i]; k++)
          chain.push(points.push({ layer: k, width: 14, up: [], down: [] }) - 1);
        chain.push(i);
        for (let k = 1; k < chain.length; k++) {
          points[chain[k]].up.push(chain[k - 1]);
          points[chain[k - 1]].down.push(chain[k]);
        }
        edges.push({ from: j, to: i, chain });
      }),
  );
  return { points, edges };
}

const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;

/** Sort each layer by the mean place of its neighbours, down and up in turn: fewer crossings. */
function order(points, layers) {
  const renumber = () =>
    layers.forEach((l) =>
      l.forEach((i, k) => {
        points[i].order = k;
      }),
    );
  renumber();
  for (let sweep = 0; sweep < 16; sweep++) {
    const down = sweep % 2 === 0;
    (down ? layers : [...layers].reverse()).forEach((line) => {
      const key = new Map(
        line.map((i) => {
          const near = down ? points[i].up : points[i].down;
          return [i, near.length ? mean(near.map((j) => points[j].order)) : points[i].order];
        }),
      );
      line.sort((a, b) => key.get(a) - key.get(b));
      renumber();
    });
  }
}

const gap = 18; // between the boxes of a layer

/** Give each point its x: near its neighbours, and apart from the others of its layer. */
function spread(points, layers) {
  layers.forEach((line) => {
    let x = 0;
    line.forEach((i) => {
      points[i].x = x + points[i].width / 2;
      x += points[i].width + gap;
    });
  });
  for (let round = 0; round < 40; round++) {
    (round % 2 ? [...layers].reverse() : layers).forEach((line) => {
      const apart = (k) => (points[line[k]].width + points[line[k + 1]].width) / 2 + gap;
      const wanted = wantedPlaces(points, line, apart);
      const right = [...wanted],
        left = [...wanted];
      for (let k = 1; k < line.length; k++)
        right[k] = Math.max(right[k], right[k - 1] + apart(k - 1));
      for (let k = line.length - 2; k >= 0; k--)
        left[k] = Math.min(left[k], left[k + 1] - apart(k));
      line.forEach((i, k) => {
        points[i].x = (right[k] + left[k]) / 2;
      });
    });
  }
}

/** The x at which each point of a layer would stand if nothing were in its way. */
function wantedPlaces(points, line, apart) {
  const wanted = line.map((i) => {
    const all = [...points[i].up, ...points[i].down];
    const inner = all.filter((j) => points[j].up.length); // leaves follow, they do not pull
    const near = inner.length ? inner : all;
    return near.length ? mean(near.map((j) => points[j].x)) : points[i].x;
  });
  const isLeaf = (k) => !points[line[k]].up.length;
  for (let k = 1; k < line.length; k++) {
    // leaves stand beside the op before or after them
    if (isLeaf(k) && line.slice(0, k).some((_, m) => !isLeaf(m)))
      wanted[k] = wanted[k - 1] + apart(k - 1);
  }
  for (let k = line.length - 2; k >= 0; k--) {
    if (
      isLeaf(k) &&
      !line.slice(0, k).some((_, m) => !isLeaf(m)) &&
      line.slice(k).some((_, m) => !isLeaf(k + m))
    )
      wanted[k] = wanted[k + 1] - apart(k);
  }
  return wanted;
}

let boxes = [],
  paths = [],
  zoom = null; // the width of the drawing in units of its own; null: as wide as there is room

function drawGraph() {
  const { points, edges, height } = layOut();
  const least = Math.min(...points.map((p) => p.x - p.width / 2)) - 10;
  const most = Math.max(...points.map((p) => p.x + p.width / 2)) + 10;
  const svg = makeSvg("svg", {
    viewBox: `${least} 0 ${most - least} ${height}`,
    width: most - least,
    height,
    role: "group",
    "aria-label": `Graph of ${vertices.length} tensors`,
  });
  svg.dataset.wide = most - least;
  const arrow = makeSvg("marker", {
    id: "arrow",
    viewBox: "0 0 8 8",
    refX: 7,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: "auto",
    markerUnits: "userSpaceOnUse",
  });
  arrow.append(makeSvg("path", { d: "M0 0L8 4L0 8z" }));
  const definitions = makeSvg("defs");
  definitions.append(arrow);
  svg.append(definitions);
  paths = edges.map((edge) => {
    const at = edge.chain.map((i) => points[i]);
    let d = `M${at[0].x} ${at[0].y + 23}`;
    for (let k = 1; k < at.length; k++) {
      const y0 = at[k - 1].y + (k === 1 ? 23 : 0),
        y1 = at[k].y - (k === at.length - 1 ? 23 : 0);
      const bend = (y1 - y0) / 2;
      d += `C${at[k - 1].x} ${y0 + bend} ${at[k].x} ${y1 - bend} ${at[k].x} ${y1}`;
    }
    const path = makeSvg("path", { d, "marker-end": "url(#arrow)" });
    svg.append(path);
    return { ...edge, path };
  });
  framesOf(points).forEach(({ name, x, y, width, height: tall }) => {
    const frame = makeSvg("g", { class: "frame" });
    frame.append(makeSvg("rect", { x, y, width, height: tall, rx: 12 }));
    frame.append(makeSvg("text", { x: x + 8, y: y + 13 }, cut(name, Math.floor(width / 7.5))));
    definitions.after(frame);
  });
  boxes = items.map((item, k) => drawItem(svg, item, points[k]));
  graph.querySelector("svg")?.remove();
  graph.append(svg);
  scale();
}

/** Frames around the ops of each module call, where no other op is in the way. */
function framesOf(points) {
  const found = new Map();
  items.forEach((item, k) => {
    const name = item.group ? undefined : vertices[item.vertex].module;
    if (name === undefined || !item.inputs.length) return;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(k);
  });
  const box = (ks) => {
    const left = Math.min(...ks.map((k) => points[k].x - points[k].width / 2)) - 8;
    const right = Math.max(...ks.map((k) => points[k].x + points[k].width / 2)) + 8;
    const top = Math.min(...ks.map((k) => points[k].y)) - 40;
    const bottom = Math.max(...ks.map((k) => points[k].y)) + 29;
    return { x: left, y: top, width: right - left, height: bottom - top };
  };
  const inside = (p, b) =>
    p.x + p.width / 2 > b.x &&
    p.x - p.width / 2 < b.x + b.width &&
    p.y + 23 > b.y &&
    p.y - 23 < b.y + b.height;
  const isOther = (item, k, b) => item.inputs.length > 0 && !b.ks.includes(k);
  return [...found]
    .map(([name, ks]) => ({ name, ks, ...box(ks) }))
    .filter((b) => b.ks.length > 1)
    .filter((b) => !items.some((item, k) => isOther(item, k, b) && inside(points[k], b)));
}

function drawItem(svg, item, p) {
  const vertex = item.group ? null : vertices[item.vertex];
  const name = item.group ? item.group.title : vertex.symbol;
  const what = item.group
    ? `, ${item.members.length} tensors: open it`
    : `${vertex.formula ? ` = ${vertex.formula}` : `, ${vertex.kind}`}: show its step`;
  const group = makeSvg("g", {
    class: `box ${item.group ? "folded" : vertex.kind}`,
    ...(item.group ? {} : { "data-vertex": item.vertex }),
    tabindex: 0,
    role: "button",
    "aria-label": `${name}${what}`,
  });
  const title = vertex && !vertex.formula ? `${vertex.name ?? name}, ${vertex.kind}` : null;
  group.append(makeSvg("title", {}, title ?? (vertex ? `${name} = ${vertex.formula}` : name)));
  group.append(
    makeSvg("rect", { x: p.x - p.width / 2, y: p.y - 23, width: p.width, height: 46, rx: 9 }),
  );
  group.append(makeSvg("text", { x: p.x, y: p.y - 4, class: "symbol" }, p.symbol));
  group.append(makeSvg("text", { x: p.x, y: p.y + 14, class: "small" }, p.label));
  const act = () => (item.group ? open(item.group) : goTo(item.vertex));
  group.addEventListener("click", act);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  svg.append(group);
  return group;
}

/** Draw the tensors of a group one by one. */
function open(group) {
  opened.add(group);
  drawGraph();
  lightGraph();
}

/** As wide as there is room, but no smaller than can be read; or as the reader wants it. */
function scale() {
  const svg = graph.querySelector("svg");
  const wide = Number(svg.dataset.wide);
  svg.style.cssText = zoom
    ? `width: ${Math.round(wide * zoom)}px; max-width: none; height: auto`
    : `max-width: max(100%, ${Math.round(0.8 * wide)}px); height: auto`;
}

function zoomBy(factor) {
  const svg = graph.querySelector("svg");
  const now = svg.getBoundingClientRect().width / Number(svg.dataset.wide);
  zoom = factor === null ? null : Math.max(0.1, Math.min(4, now * factor));
  scale();
  lightGraph();
}

/** Go to the step, in the direction in which we are, that is about a vertex. */
function goTo(vertex) {
  const backwards = steps[current].kind !== "forward";
  const about = (s) => s.vertex === vertex && (s.kind !== "forward") === backwards;
  const touches = (s) =>
    backwards
      ? s.target === vertex
      : s.kind === "forward" && vertices[s.vertex].inputs.includes(vertex);
  const found = [steps.findIndex(about), steps.findIndex(touches)].find((k) => k >= 0);
  if (found !== undefined) {
    pause();
    go(found);
  }
}

function lightGraph() {
  const step = steps[current];
  const backwards = step.kind !== "forward";
  const computed = new Set(),
    reached = new Set();
  steps.slice(0, current + 1).forEach((s) => {
    if (s.kind === "forward") {
      computed.add(s.vertex);
      vertices[s.vertex].inputs.forEach((i) => computed.add(i));
    }
    if (s.kind === "seed") reached.add(s.vertex);
    if (s.kind === "vjp") reached.add(s.target);
    if (vertices[s.target]?.kind === "output") reached.add(vertices[s.target].inputs[0]);
  });
  const here = itemOf[step.vertex],
    there = step.kind === "vjp" ? itemOf[step.target] : -1;
  boxes.forEach((box, k) => {
    const on = (name, yes) => box.classList.toggle(name, yes);
    const { members, inputs } = items[k];
    on("current", here === k);
    on("backward", backwards && here === k);
    on("target", there === k && there !== here);
    on("later", !backwards && inputs.length > 0 && !members.some((i) => computed.has(i)));
    on("reached", members.some((i) => reached.has(i)));
  });
  paths.forEach(({ from, to, path }) => {
    const flows =
      to === here && (step.kind === "forward" || (step.kind === "vjp" && from === there));
    path.classList.toggle("flow", flows);
    path.classList.toggle("backward", flows && backwards);
  });
  const box = boxes[here]?.querySelector("rect");
  if (box) {
    const a = box.getBoundingClientRect(),
      b = graph.getBoundingClientRect();
    if (a.top < b.top + 20 || a.bottom > b.bottom - 20)
      graph.scrollTop += a.top - b.top - b.height / 2;
    if (a.left < b.left + 5 || a.right > b.right - 5)
      graph.scrollLeft += a.left - b.left - b.width / 2;
  }
}
