// The graph beside the panel: where its boxes stand, how it is drawn, and what is lit.

/** Layers from top to bottom; long edges pass through points of their own in each layer. */
function layOut() {
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

/** The layer of each vertex: below all its operands; a leaf just above the first op on it. */
function ranks() {
  const layer = vertices.map(() => 0),
    users = vertices.map(() => []);
  vertices.forEach((v, i) => v.inputs.forEach((j) => users[j].push(i)));
  vertices.forEach((v, i) => {
    if (v.inputs.length) layer[i] = 1 + Math.max(...v.inputs.map((j) => layer[j]));
  });
  vertices.forEach((v, i) => {
    if (!v.inputs.length && users[i].length)
      layer[i] = Math.min(...users[i].map((j) => layer[j])) - 1;
  });
  return layer;
}

/** A point for each vertex, then those of the edges that pass through layers; and the edges. */
function pointsOf(layer) {
  const points = vertices.map((v, i) => {
    const label = v.formula ? cut(v.formula, 24) : v.shape;
    const letters = Math.max([...cut(v.symbol, 20)].length * 1.15, [...label].length);
    return {
      layer: layer[i],
      width: Math.max(64, letters * 7.2 + 22),
      up: [],
      down: [],
      vertex: i,
      label,
    };
  });
  const edges = [];
  vertices.forEach((v, i) =>
    [...new Set(v.inputs)].forEach((j) => {
      const chain = [j];
      for (let k = layer[j] + 1; k < layer[i]; k++) {
        chain.push(points.push({ layer: k, width: 14, up: [], down: [], vertex: null }) - 1);
      }
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
  paths = [];

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
    style: `max-width: max(100%, ${Math.round(0.8 * (most - least))}px); height: auto`,
  });
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
  boxes = vertices.map((vertex, i) => {
    const p = points[i];
    const what = vertex.formula ? ` = ${vertex.formula}` : `, ${vertex.kind}`;
    const group = makeSvg("g", {
      class: `box ${vertex.kind}`,
      "data-vertex": i,
      tabindex: 0,
      role: "button",
      "aria-label": `${vertex.symbol}${what}: show its step`,
    });
    group.append(
      makeSvg(
        "title",
        {},
        vertex.formula
          ? `${vertex.symbol} = ${vertex.formula}`
          : `${vertex.name ?? vertex.symbol}, ${vertex.kind}`,
      ),
    );
    group.append(
      makeSvg("rect", { x: p.x - p.width / 2, y: p.y - 23, width: p.width, height: 46, rx: 9 }),
    );
    group.append(
      makeSvg("text", { x: p.x, y: p.y - 4, class: "symbol" }, cut(vertex.symbol, 20)),
    );
    group.append(makeSvg("text", { x: p.x, y: p.y + 14, class: "small" }, p.label));
    group.addEventListener("click", () => goTo(i));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      goTo(i);
    });
    svg.append(group);
    return group;
  });
  graph.append(svg);
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
  boxes.forEach((box, i) => {
    const on = (name, yes) => box.classList.toggle(name, yes);
    on("current", step.vertex === i);
    on("backward", backwards && step.vertex === i);
    on("target", step.kind === "vjp" && step.target === i);
    on("later", !backwards && !computed.has(i) && vertices[i].inputs.length > 0);
    on("reached", reached.has(i));
  });
  paths.forEach(({ from, to, path }) => {
    const flows =
      to === step.vertex &&
      (step.kind === "forward" || (step.kind === "vjp" && from === step.target));
    path.classList.toggle("flow", flows);
    path.classList.toggle("backward", flows && backwards);
  });
  const box = boxes[step.vertex]?.querySelector("rect");
  if (box) {
    const a = box.getBoundingClientRect(),
      b = graph.getBoundingClientRect();
    if (a.top < b.top + 20 || a.bottom > b.bottom - 20)
      graph.scrollTop += a.top - b.top - b.height / 2;
    if (a.left < b.left + 5 || a.right > b.right - 5)
      graph.scrollLeft += a.left - b.left - b.width / 2;
  }
}
