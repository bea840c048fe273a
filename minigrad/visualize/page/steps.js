// What the panel shows at each kind of step, and the guide to the page.

function facts(vertex) {
  const found = [];
  if (vertex.module) found.push(make("p", { class: "facts" }, `in ${vertex.module}`));
  if (vertex.line !== undefined)
    found.push(
      make("p", { class: "facts" }, "computed by ", make("code", {}, lines[vertex.line])),
    );
  return found;
}

function operands(vertex, shownRole = "operand") {
  const distinct = [...new Set(vertex.inputs)];
  const figures = distinct.map((i) => {
    const figure = matrix(
      vertices[i].value,
      vertices[i].symbol,
      shownRole,
      null,
      vertices[i].note ?? vertices[i].name,
    );
    figure.dataset.of = i;
    return figure;
  });
  return [
    ...figures,
    ...(vertex.arguments ?? []).map(([name, array]) => matrix(array, name, "argument")),
  ];
}

/** The result of an op, or each of its results that was used. */
function results(index, ask = null) {
  const outputs = vertices.filter((v) => v.kind === "output" && v.inputs[0] === index);
  const each =
    outputs.length && vertices[index].value === undefined ? outputs : [vertices[index]];
  return each.map((v) => matrix(v.value, v.symbol, "value", ask, v.note));
}

const near = (a, b, size) => Math.abs(a - b) <= 2e-3 * size + 1e-9;

/** Answers for the result of a matrix product: the sum whose gradient because() speaks of.
 *  What is left may be a bias, an operand of one axis.  Null where the numbers do not agree. */
function askForwardProduct(index) {
  const out = arrays[vertices[index].value];
  const step = steps.find(
    (s) => s.kind === "vjp" && s.vertex === index && s.rule.kind === "product",
  );
  if (!step || !out) return null;
  const { left, right } = step.rule,
    gLeft = left.gradient === true;
  const g = gLeft ? left : right,
    other = gLeft ? right : left;
  const name = other.transposed ? other.symbol.slice(0, -1) : other.symbol;
  const second = vertices[index].inputs.find((i) => vertices[i].symbol === name);
  const x = arrays[vertices[step.target].value],
    m = arrays[other.array];
  if (second === undefined || !x || [x, m, out].some((a) => a.shape.length !== 2 || a.of))
    return null;
  const bias = vertices[index].inputs.find(
    (i) => i !== step.target && i !== second && arrays[vertices[i].value]?.shape.length === 1,
  );
  const sum = (p, q) => {
    // ḡ[i, j] on the left, ḡ[j, k] on the right
    const [a, b] = g.transposed ? [q, p] : [p, q];
    const fixed = gLeft ? a : b,
      j = gLeft ? b : a;
    const count = gLeft ? x.shape[1] : x.shape[0],
      turned = Boolean(other.transposed);
    const places = Array.from({ length: count }, (_, n) => [
      gLeft ? [fixed, n] : [n, fixed],
      gLeft ? (turned ? [n, j] : [j, n]) : turned ? [j, n] : [n, j],
    ]);
    const terms = places.map(([[r, c], [u, v]]) => [number(x.rows[r][c]), number(m.rows[u][v])]);
    const total = terms.reduce((all, [u, v]) => all + u * v, 0);
    const size = terms.reduce(
      (all, [u, v]) => all + Math.abs(u * v),
      Math.abs(number(out.rows[p][q])),
    );
    const rest = number(out.rows[p][q]) - total;
    const added = bias === undefined ? 0 : number(arrays[vertices[bias].value].rows[0][q]);
    return { places, terms, agrees: near(rest, added, size + Math.abs(added)) };
  };
  if (!out.rows.every((row, p) => row.every((_, q) => sum(p, q).agrees))) return null;
  return (p, q, cell) => {
    const { places, terms } = sum(p, q),
      has = (k) => (r, c) => places.some((place) => place[k][0] === r && place[k][1] === c);
    clearMarks();
    mark("operand", has(0), step.target);
    mark("operand", has(1), second);
    const inOrder = gLeft !== Boolean(g.transposed) ? (pair) => pair : ([u, v]) => [v, u];
    const parts = terms.map((pair) => inOrder(pair).map(inBrackets).join("·"));
    if (bias !== undefined) {
      mark("operand", (_, c) => c === q, bias);
      parts.push(inBrackets(arrays[vertices[bias].value].rows[0][q]));
    }
    answerWith(
      cell,
      equation(
        vertices[index].symbol + at(out.shape, p, q),
        sumText(parts),
        shownNumber(out.rows[p][q]),
      ),
    );
  };
}

/** Answers for an op that works entry by entry: the entries that one entry was computed from. */
function askForwardEntry(index) {
  const vertex = vertices[index],
    out = arrays[vertex.value];
  const own = steps.filter((s) => s.kind === "vjp" && s.vertex === index);
  const entrywise = (s) =>
    s.rule.kind === "copy" &&
    s.rule.index === undefined &&
    sizeOf(arrays[s.raw ?? s.gradient].shape) === sizeOf(out.shape);
  if (!out || !own.length || !own.every(entrywise)) return null;
  const inputs = [...new Set(vertex.inputs)].filter((i) => vertices[i].value !== undefined);
  const fits = ({ shape }) =>
    shape.length <= out.shape.length &&
    shape.every((n, k) => n === 1 || n === out.shape[out.shape.length - shape.length + k]);
  if (out.shape.length > 2 || inputs.some((i) => !fits(arrays[vertices[i].value]))) return null;
  return (p, q, cell) => {
    clearMarks();
    const parts = inputs.map((i) => {
      const { shape, rows } = arrays[vertices[i].value];
      const r = rows.length === 1 ? 0 : p,
        c = rows[0].length === 1 ? 0 : q;
      mark("operand", (a, b) => a === r && b === c, i);
      const n = shownNumber(rows[r]?.[c] ?? "cut here");
      return `${vertices[i].symbol}${at(shape, r, c)} = ${n}`;
    });
    answerWith(
      cell,
      `${vertex.symbol}${at(out.shape, p, q)} = ${shownNumber(out.rows[p][q])}, ` +
        `from ${parts.join(" and ")}`,
    );
  };
}

/** Said where numbers of an op are missing: why, and how to have them. */
function missing(vertex) {
  const some = [vertex, ...vertex.inputs.map((i) => vertices[i])].some(
    (v) => v.value === undefined && !v.note?.startsWith("several"),
  );
  return some
    ? [
        make(
          "p",
          { class: "facts" },
          "The graph did not keep all numbers of this op. A graph computed inside ",
          make("code", {}, "mg.visualize.record_values()"),
          " keeps them.",
        ),
      ]
    : [];
}

/** A button that goes to a step. */
function linkTo(index) {
  const link = make("button", { type: "button", class: "link" }, `step ${index + 1}`);
  link.addEventListener("click", () => {
    pause();
    go(index);
    panel.focus();
  });
  return link;
}

/** Where the gradient of a vertex came from: the steps before this one that brought it. */
function arrivedIn(vertex) {
  const isOf = (i) =>
    i === vertex || (vertices[i].kind === "output" && vertices[i].inputs[0] === vertex);
  const about = { vjp: "target", seed: "vertex", hook: "vertex" };
  return steps
    .slice(0, current)
    .flatMap((s, k) => (s.kind in about && isOf(s[about[s.kind]]) ? [k] : []));
}

/** What the step does, in a sentence. */
function inWords(step) {
  const target = vertices[step.target],
    source = vertices[step.vertex],
    { rule } = step;
  const bars = step.g
    .map(([symbol]) => symbol)
    .filter(Boolean)
    .join(", ");
  if (rule.kind === "product")
    return `A product of matrices: ${bars} and what ${target.symbol} was multiplied with.`;
  if (rule.kind === "sum")
    return (
      `${target.symbol} was added along ${axesText(rule.axes)}, ` +
      `so its gradient is the sum of ${bars} there.`
    );
  if (rule.kind === "general")
    return (
      `Each entry of ${target.bar} is a sum over the entries of ${bars} that depend on it, ` +
      "each times how much it depends."
    );
  const { mask, trivial } = kindOfCopy(step),
    moved = rule.index !== undefined;
  if (moved && step.g[0][2] === 1 && sizeOf(arrays[step.gradient].shape) > 1 && !mask) {
    return trivial
      ? `Every entry of ${target.symbol} counts once in ${source.symbol}: each gets ${bars}.`
      : `Every entry of ${target.symbol} gets ${bars}, times its share in ${source.symbol}.`;
  }
  if (mask && moved)
    return `Each entry of ${bars} goes back to where it was taken from; the others get 0.`;
  if (mask) return `Where the mask is 1, ${bars} passes; elsewhere it stops.`;
  if (trivial && moved) return `Each entry of ${bars} goes back to the places that it came from.`;
  if (trivial)
    return `${bars} passes unchanged: ${source.symbol} grows just as much as ${target.symbol}.`;
  const taken = moved ? ", and taken to its place" : "";
  const by = rule.symbol ? `that of ${rule.symbol}` : `the slope of ${source.symbol} there`;
  return `Each entry of ${bars} is multiplied by ${by}${taken}.`;
}

function lead(step) {
  const found = arrivedIn(step.vertex).map(linkTo);
  const parts = found.flatMap((link, i) =>
    i ? [i === found.length - 1 ? " and " : ", ", link] : [link],
  );
  const which = step.g
    .map(([symbol]) => symbol)
    .filter(Boolean)
    .join(" and ");
  return make(
    "p",
    { class: "lead" },
    `${inWords(step)} `,
    ...(parts.length ? [`${which} arrived in `, ...parts, "."] : []),
  );
}

/** A formula, with the explanation of its letters in small print. */
function formulaParts(text) {
  const [main, ...rest] = text.split(/(?<!,) with /);
  const parts = [make("h2", { class: "formula" }, main)];
  if (rest.length)
    parts.push(make("p", { class: "facts letters" }, `with ${rest.join(" with ")}`));
  return parts;
}

function guide() {
  const ops = steps.filter((s) => s.kind === "forward").length,
    last = steps.length;
  const root = vertices[steps[firstBackward].vertex];
  const forward = ops ? `Steps 1 to ${ops} compute ${root.symbol}, one op at a time. ` : "";
  const chip = (kind, text) => make("span", { class: `chip ${kind}` }, text);
  const key = (text) => make("kbd", {}, text);
  return make(
    "section",
    { class: "guide", id: "guide", "aria-label": "How to read this page" },
    make("h2", {}, "How to read this page"),
    make(
      "p",
      {},
      `Press ▶ to go on. ${forward}Steps ${ops + 1} to ${last} go back through the same ops in ` +
        "reverse: each takes the gradient that has arrived at its result, and multiplies it " +
        "by its own derivative.",
    ),
    make(
      "p",
      {},
      "x̄, “x bar”, is the gradient of the result with respect to x: one number for each " +
        "entry of x, so it has the shape of x. " +
        "Of longer names it is written grad(name).",
    ),
    make(
      "p",
      {},
      chip("leaf", "leaf"),
      " its gradient is wanted ",
      chip("constant", "constant"),
      " it needs none ",
      chip("op", "result"),
      " computed by an op. In matrices ",
      chip("positive", "blue"),
      " is positive, ",
      chip("negative", "red"),
      " negative; the stronger, the larger.",
    ),
    make(
      "p",
      {},
      "Point at an entry of a result to see the numbers that made it. “Explicit Jacobian” " +
        "shows, for small ops, the whole matrix of derivatives beside the shortcut.",
    ),
    make(
      "p",
      { class: "keys" },
      key("←"),
      " ",
      key("→"),
      " step  ",
      key("space"),
      " play  ",
      key("Home"),
      " ",
      key("End"),
      " ends  ",
      key("J"),
      " Jacobian  ",
      key("?"),
      " this text",
    ),
  );
}

const views = {
  forward(step) {
    const vertex = vertices[step.vertex];
    const ask = askForwardProduct(step.vertex) ?? askForwardEntry(step.vertex);
    return {
      title: `Forward: ${vertex.symbol} = ${vertex.formula}`,
      parts: [
        make("p", { class: "kind" }, "Forward"),
        make("h2", {}, `${vertex.symbol} = ${vertex.formula}`),
        ...facts(vertex),
        make("h3", {}, "What goes in"),
        make("div", { class: "row top" }, ...operands(vertex)),
        make("h3", {}, "What comes out"),
        make("div", { class: "row top" }, ...results(step.vertex, ask)),
        ...(ask ? [whyBox(vertex.symbol)] : []),
        ...missing(vertex),
      ],
    };
  },
  seed(step) {
    const vertex = vertices[step.vertex];
    const each = arrays[step.total].shape.length
      ? `each entry of ${vertex.symbol}, as it was given.`
      : `${vertex.symbol}: with itself, one for one.`;
    return {
      title: `Backward starts at ${vertex.symbol}`,
      parts: [
        make("p", { class: "kind backward" }, "Backward"),
        make("h2", {}, `The gradient of ${vertex.symbol} by itself`),
        make(
          "p",
          { class: "lead" },
          "The backward pass starts here, and goes through the ops in reverse. " +
            `${vertex.bar} says how much the end result changes with ${each}`,
        ),
        make("div", { class: "row" }, matrix(step.total, vertex.bar, "total")),
      ],
    };
  },
  vjp(step) {
    const vertex = vertices[step.vertex],
      target = vertices[step.target];
    return {
      title: `Backward of ${vertex.symbol} = ${vertex.formula}: ${step.formula}`,
      parts: [
        make("p", { class: "kind backward" }, `Backward of ${vertex.symbol} = ${vertex.formula}`),
        ...formulaParts(step.formula),
        lead(step),
        product(step),
        whyBox(step.raw === undefined ? target.bar : `${target.bar} before the sum`),
        ...stretched(step),
        ...fanOut(step),
        ...jacobianPart(step),
        ...because(step),
        make("h3", {}, "The op, as it was computed"),
        make("div", { class: "row" }, ...operands(vertex), sign("→"), ...results(step.vertex)),
        ...missing(vertex),
        ...facts(vertex),
      ],
    };
  },
  hook(step) {
    const vertex = vertices[step.vertex];
    return {
      title: `Gradient hook ${step.name} of ${vertex.symbol}`,
      parts: [
        make("p", { class: "kind backward" }, "Gradient hook"),
        make("h2", {}, `${step.name} is called with ${vertex.bar}`),
        make(
          "p",
          { class: "lead" },
          step.before === step.total
            ? `It leaves ${vertex.bar} as it is.`
            : `What it returns takes the place of ${vertex.bar} from here on.`,
        ),
        make(
          "div",
          { class: "row" },
          matrix(step.before, `${vertex.bar}, as it arrived`, "before"),
          sign("→"),
          matrix(step.total, vertex.bar, "total"),
        ),
      ],
    };
  },
  done(step) {
    const all = step.leaves.map(([i, g]) =>
      make(
        "div",
        { class: "row" },
        matrix(
          vertices[i].value,
          vertices[i].symbol,
          "value",
          null,
          vertices[i].note ?? vertices[i].name,
        ),
        matrix(g, vertices[i].bar, "leaf-gradient"),
      ),
    );
    return {
      title: "Done: the gradients of all leaves",
      parts: [
        make("p", { class: "kind backward" }, "Done"),
        make("h2", {}, "The gradients of all leaves"),
        make(
          "p",
          { class: "lead" },
          "Each has the shape of its leaf. An optimizer now takes a small step against them.",
        ),
        ...all,
      ],
    };
  },
};
