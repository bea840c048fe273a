// A vector-Jacobian product: its rule in matrices, the sums after it, and its Jacobian.

/** A sign and the matrix after it, which stay together where a line breaks. */
const term = (text, figure) => make("div", { class: "term" }, sign(text), figure);

const sign = (text) => make("span", { class: "sign", "aria-hidden": "true" }, text);

function whyBox(symbol) {
  return make(
    "p",
    { class: "why", id: "why", "aria-live": "polite" },
    `Point at an entry of ${symbol}, or tap it, to see what made it (keys: Tab, then arrows).`,
  );
}

function answerWith(cell, text) {
  cell.classList.add("target");
  byId("why").classList.add("answered");
  byId("why").textContent = text;
}

/** Sides of an equation; one that is written like the side before it is left out. */
function equation(...sides) {
  const bare = (side) => side.replace(/^\(([^()]*)\)$/, "$1");
  return sides.filter((side, k) => !k || bare(side) !== bare(sides[k - 1])).join(" = ");
}

const axesText = (axes) => (axes.length === 1 ? `axis ${axes[0]}` : `axes ${axes.join(" and ")}`);

/** Answers for a sum along axes: which entries of `array`, shown as `role`, make one entry. */
function askSum(array, axes, role, result, place) {
  const wide = columnsOf(array.shape),
    resultWide = columnsOf(result.shape);
  const kept = array.shape.map((n, axis) => [n, axis]).filter(([, axis]) => !axes.includes(axis));
  const goesTo = (r, c) => {
    let rest = r * wide + c;
    const index = array.shape.map(() => 0);
    for (let axis = index.length - 1; axis >= 0; axis--) {
      index[axis] = rest % array.shape[axis];
      rest = Math.floor(rest / array.shape[axis]);
    }
    return kept.reduce((flat, [n, axis]) => flat * n + index[axis], 0);
  };
  return (r, c, cell) => {
    clearMarks();
    const wanted = r * resultWide + c,
      terms = [];
    array.rows.forEach((line, i) =>
      line.forEach((n, j) => {
        if (goesTo(i, j) === wanted) terms.push(inBrackets(n));
      }),
    );
    mark(role, (i, j) => goesTo(i, j) === wanted);
    const more = array.of ? " + … (the rest is cut)" : "";
    const sum = sumText(terms) + more;
    answerWith(cell, equation(place(r, c), sum, shownNumber(result.rows[r][c])));
  };
}

/** The array that a product gives, before a sum over stretched axes. */
const resultOf = (step) => step.raw ?? step.gradient;

/** How an entry of the product is written, which is summed later if x̄ has another shape. */
function placeBefore(step) {
  const { bar } = vertices[step.target],
    { shape } = arrays[resultOf(step)];
  return (r, c) =>
    step.raw === undefined
      ? bar + at(shape, r, c)
      : `${bar} before the sum ${at(shape, r, c)}`.trim();
}

/** The figures of a vector-Jacobian product; the first is the result. */
function product(step) {
  const { bar } = vertices[step.target];
  const name = step.raw === undefined ? bar : `${bar} before the sum`;
  const { ask, sides } = equations[step.rule.kind](step);
  const result = matrix(resultOf(step), name, "result", ask);
  const row = make("div", { class: "row product" }, result, ...sides);
  const widths = [...row.querySelectorAll("tr:first-child")].map((line) => line.cells.length);
  if (Math.max(...widths) > 8) row.classList.add("wide");
  return row;
}

/** By the kind of rule: what answers for the result, and what stands right of it. */
const equations = {
  product(step) {
    const { rule } = step;
    const left = factor(rule.left),
      right = factor(rule.right);
    return {
      ask: askProduct(step, left, right),
      sides: [
        term("=", matrixOf(left, rule.left.symbol, "left")),
        term("·", matrixOf(right, rule.right.symbol, "right")),
      ],
    };
  },
  copy(step) {
    const { mask, trivial } = kindOfCopy(step);
    const { bar } = vertices[step.vertex],
      [[, given, size]] = step.g;
    const where = size === 1 ? "for every entry" : "each entry taken to its place";
    const note = step.rule.index !== undefined && where;
    const which = mask ? "1 passes, 0 stops" : "entry by entry";
    const scale = () => matrix(step.rule.scale, factorName(step), "scale", null, which);
    const sides = [term("=", matrix(given, bar, "cotangent", null, note))];
    return { ask: askCopy(step), sides: trivial ? sides : [...sides, term("∗", scale())] };
  },
  sum(step) {
    const { axes } = step.rule,
      [[, given]] = step.g;
    const { shape } = arrays[given];
    const down = axes.length === shape.length - 1 && !axes.includes(shape.length - 1);
    const part = down ? "summed down each column" : `summed over ${axesText(axes)}`;
    const how = axes.length === shape.length ? "all entries summed" : part;
    const { bar } = vertices[step.vertex];
    return {
      ask: askSum(arrays[given], axes, "cotangent", arrays[resultOf(step)], placeBefore(step)),
      sides: [term("= Σ", matrix(given, bar, "cotangent", null, how))],
    };
  },
  general(step) {
    const note = `through the derivative of ${vertices[step.vertex].op}`;
    const used = step.g.map((g, k) => [...g, k]).filter(([symbol]) => symbol);
    const sides = used.map(([symbol, array, , k], i) =>
      term(i ? "," : "⟵", matrix(array, symbol, `cotangent${k || ""}`, null, note)),
    );
    return { ask: askJacobian(step), sides };
  },
};

/** Answers for a product of matrices: a row of the left one times a column of the right one. */
function askProduct(step, left, right) {
  const { rule } = step,
    { shape, rows } = arrays[resultOf(step)];
  const place = placeBefore(step);
  const inner = left.of ? left.of[1] : columnsOf(left.shape);
  const columns = columnsOf(right.shape),
    wide = columnsOf(shape);
  return (r, c, cell) => {
    clearMarks();
    const flat = r * wide + c,
      i = Math.floor(flat / columns),
      j = flat % columns;
    const value = shownNumber(rows[r][c]);
    mark("left", (a) => a === i);
    mark("right", (_, b) => b === j);
    if (!left.rows[i] || j >= right.rows[0].length) {
      answerWith(cell, `${place(r, c)} = ${value}: its row or column is cut here.`);
      return;
    }
    const terms = left.rows[i]
      .slice(0, right.rows.length)
      .map((n, k) => `${inBrackets(n)}·${inBrackets(right.rows[k][j])}`);
    const hidden = inner - terms.length;
    const more = hidden > 0 ? ` + … (${hidden} more terms are cut)` : "";
    const inWords = `row ${i} of ${rule.left.symbol} · column ${j} of ${rule.right.symbol}`;
    answerWith(cell, equation(place(r, c), inWords, sumText(terms) + more, value));
  };
}

/** Answers for a copy: the entry of ḡ that comes to a place, and what it is multiplied with. */
function askCopy(step) {
  const { rule } = step,
    [[, given]] = step.g;
  const { bar } = vertices[step.vertex],
    { trivial } = kindOfCopy(step),
    place = placeBefore(step);
  const g = arrays[given],
    scale = arrays[rule.scale],
    result = arrays[resultOf(step)];
  const moved = rule.index === undefined ? null : arrays[rule.index].rows;
  const from = (r, c) => {
    const flat = moved ? moved[r][c] : r * columnsOf(result.shape) + c;
    const wide = columnsOf(g.shape);
    return [Math.floor(flat / wide), flat % wide];
  };
  return (r, c, cell) => {
    clearMarks();
    const [i, j] = from(r, c),
      by = scale.rows[r][c],
      value = result.rows[r][c];
    mark("scale", (a, b) => a === r && b === c);
    if (number(by) === 0 && number(value) === 0) {
      answerWith(cell, `${place(r, c)} = 0: nothing of ${bar} comes here.`);
      return;
    }
    mark("cotangent", (a, b) => a === i && b === j);
    const g_ij = g.rows[i]?.[j];
    const spot = bar + at(g.shape, i, j);
    const was = g_ij === undefined ? `${spot}, which is cut here` : inBrackets(g_ij);
    const times = trivial ? "" : ` · ${inBrackets(by)}`;
    const named = trivial ? "" : ` · ${factorName(step)}`;
    answerWith(cell, equation(place(r, c), spot + named, was + times, shownNumber(value)));
  };
}

/** What ḡ is multiplied with is called: an operand, a mask, or else the derivative. */
const factorName = (step) =>
  step.rule.symbol ??
  (kindOfCopy(step).mask
    ? "mask"
    : `∂${vertices[step.vertex].symbol}/∂${vertices[step.target].symbol}`);

/** What the numbers that ḡ is multiplied with are: a mask of 0 and 1, or 1 whatever the data. */
function kindOfCopy({ rule }) {
  const factors = new Set(arrays[rule.scale].rows.flat());
  return {
    mask: !rule.symbol && factors.size === 2 && factors.has(0) && factors.has(1),
    trivial: !rule.varies && factors.size === 1 && factors.has(1),
  };
}

/** ḡ as one vector: what arrived at each result, zeros where nothing did. */
function vectorOf(step) {
  return step.g.flatMap(([, array, size]) =>
    array === null ? new Array(size).fill(0) : arrays[array].rows.flat(),
  );
}

/** Products of two numbers whose sum is `value`: without zeros, unless 0 · inf made it NaN. */
function termsOf(pairs, value) {
  const isWild = (n) => !Number.isFinite(number(n));
  const full = pairs.filter((pair) => pair.every((n) => number(n) !== 0));
  const left = isWild(value) && !full.some((pair) => pair.some(isWild));
  const kept = left ? pairs.filter((pair) => full.includes(pair) || pair.some(isWild)) : full;
  return kept.map((pair) => pair.map(inBrackets).join("·"));
}

/** Answers from the Jacobian, for an op whose product has no picture of its own. */
function askJacobian(step) {
  const target = vertices[step.target],
    source = vertices[step.vertex];
  const result = arrays[resultOf(step)],
    wide = columnsOf(result.shape);
  return (r, c, cell) => {
    clearMarks();
    const value = shownNumber(result.rows[r][c]),
      place = placeBefore(step)(r, c);
    // J belongs to the gradient after the sum over stretched axes
    if (step.jacobian === undefined || step.raw !== undefined) {
      answerWith(
        cell,
        `${place} = ${value}: each entry of ${source.symbol} that depends on it adds its share.`,
      );
      return;
    }
    const J = arrays[step.jacobian].rows,
      column = r * wide + c;
    let first = 0;
    step.g.forEach(([, array, size], k) => {
      const width = array === null ? 1 : columnsOf(arrays[array].shape),
        start = first;
      mark(`cotangent${k || ""}`, (i, j) => number(J[start + i * width + j][column]) !== 0);
      first += size;
    });
    const g = vectorOf(step);
    const pairs = J.map((line, k) => [g[k], line[column]]);
    const terms = termsOf(pairs, result.rows[r][c]);
    answerWith(
      cell,
      `${equation(place, sumText(terms), value)}: each marked entry, ` +
        `times how much it depends on ${target.symbol}${at(result.shape, r, c)}`,
    );
  };
}

function stretched(step) {
  if (step.raw === undefined) return [];
  const target = vertices[step.target],
    which = axesText(step.stretched),
    { shape } = arrays[step.gradient];
  const ask = askSum(
    arrays[step.raw],
    step.stretched,
    "result",
    arrays[step.gradient],
    (r, c) => target.bar + at(shape, r, c),
  );
  return [
    make(
      "h3",
      {},
      `${target.symbol} was stretched along ${which} by broadcasting: ` +
        "its gradient is the sum there",
    ),
    make(
      "div",
      { class: "row" },
      matrix(step.gradient, target.bar, "gradient", ask),
      sign("= Σ"),
      make("span", { class: "facts" }, "of the entries above"),
    ),
  ];
}

function fanOut(step) {
  const target = vertices[step.target];
  if (!step.arrival) return [];
  const [n, of] = step.arrival;
  const before =
    step.before === undefined
      ? make("span", { class: "facts" }, "nothing yet")
      : matrix(step.before, `${target.bar} so far`, "before");
  return [
    make("h3", {}, `${target.symbol} is used ${of} times: contribution ${n} of ${of} is added`),
    make(
      "div",
      { class: "row" },
      before,
      sign("+"),
      matrix(step.gradient, "this contribution", "contribution"),
      sign("="),
      matrix(step.total, n === of ? target.bar : `${target.bar} so far`, "total"),
    ),
  ];
}

function whyNoJacobian(step) {
  const { op } = vertices[step.vertex];
  if (step.no_jacobian === "derivative")
    return `Some results of ${op}, which nothing used, have no derivative: there is no J.`;
  if (step.no_jacobian === "finite")
    return "J has infinite numbers or NaN, and is not printed: 0 · inf is NaN, where 0 is meant.";
  const rows = step.g.reduce((n, [, , size]) => n + size, 0),
    columns = sizeOf(arrays[step.gradient].shape);
  return (
    `J would be ${rows} × ${columns}, ${(rows * columns).toLocaleString("en")} numbers: ` +
    "too many to print. The product above gives Jᵀ·vec(ḡ) without it, " +
    "which is why nobody forms it."
  );
}

function jacobianPart(step) {
  if (!wantJacobian) return [];
  const target = vertices[step.target],
    source = vertices[step.vertex];
  const g = vectorOf(step),
    x = arrays[step.gradient],
    wide = columnsOf(x.shape);
  const bar = step.g.length > 1 ? "ḡ" : source.bar;
  const title = make(
    "h3",
    {},
    `The same, with the explicit Jacobian J = ∂${source.symbol}/∂${target.symbol}`,
  );
  if (step.jacobian === undefined) {
    return [title, make("p", { class: "facts" }, whyNoJacobian(step))];
  }
  const J = arrays[step.jacobian],
    column = x.rows.flat();
  const ask = (r, c, cell) => {
    clearMarks();
    mark("jacobian", (_, b) => b === r * wide + c);
    mark("vec", () => true);
    const pairs = J.rows.map((line, k) => [line[r * wide + c], g[k]]);
    const terms = termsOf(pairs, column[r * wide + c]);
    answerWith(
      cell,
      equation(
        target.bar + at(x.shape, r, c),
        `column ${r * wide + c} of J · vec(${bar})`,
        sumText(terms),
        shownNumber(column[r * wide + c]),
      ),
    );
  };
  const vec = matrixOf({ shape: [g.length, 1], rows: g.map((n) => [n]) }, `vec(${bar})`, "vec");
  const nonzero = J.rows.flat().filter((n) => number(n) !== 0).length;
  return [
    title,
    make(
      "p",
      { class: "facts" },
      `J says how much each entry of ${source.symbol} (a row) depends on each entry of ` +
        `${target.symbol} (a column): ${J.shape[0]} × ${J.shape[1]} numbers, ${nonzero} of ` +
        `them not 0. The step above is Jᵀ·vec(${bar}), without forming J.`,
    ),
    make(
      "div",
      { class: "row" },
      matrix(step.gradient, `${target.bar} = Jᵀ·vec(${bar})`, "shortcut", ask),
      sign("from"),
      matrix(step.jacobian, "J", "jacobian"),
      vec,
    ),
  ];
}

/** Why a product of matrices: the sum behind it, by indices.  Here the transpose comes from. */
function because(step) {
  const { rule } = step;
  if (rule.kind !== "product") return [];
  const target = vertices[step.target],
    source = vertices[step.vertex];
  const gLeft = rule.left.gradient === true;
  const g = gLeft ? rule.left : rule.right,
    other = gLeft ? rule.right : rule.left;
  const pair = (factor, i, j) => (factor.transposed ? `[${j}, ${i}]` : `[${i}, ${j}]`);
  const gAt = gLeft ? pair(g, "i", "j") : pair(g, "j", "k");
  const otherAt = gLeft ? pair(other, "j", "k") : pair(other, "i", "j");
  const name = other.transposed ? other.symbol.slice(0, -1) : other.symbol,
    left = factor(rule.left),
    right = factor(rule.right);
  const size = (array) => {
    const [m, n] = array.of ?? [array.rows.length, array.rows[0].length];
    return `${m}×${n}`;
  };
  const turned = rule.left.transposed || rule.right.transposed;
  const vectors = [resultOf(step), g.array, other.array].some(
    (i) => arrays[i].shape.length !== 2,
  );
  const math = (text) => make("span", { class: "math" }, text);
  const beside = math(name + otherAt);
  const both = [source.bar + gAt, name + otherAt];
  const summand = math((gLeft ? both : both.reverse()).join(" · "));
  return [
    make("h3", {}, turned ? "Where the transpose comes from" : "Why this product"),
    make(
      "p",
      { class: "because" },
      `In ${source.symbol} = ${source.formula}, the entry `,
      math(`${target.symbol}[i, k]`),
      " takes part in ",
      math(source.symbol + gAt),
      ", for every j, each time multiplied by ",
      beside,
      ". From each it gets back ",
      summand,
      ", and all are added: ",
      math(`${target.bar}[i, k] = Σⱼ ${summand.textContent}`),
      ". For all i and k at once this is the matrix product ",
      math(`${rule.left.symbol} · ${rule.right.symbol}`),
      ` (${size(left)} · ${size(right)})`,
      turned ? "; the transpose only brings the summed index j to the inside." : ".",
      vectors ? " Vectors count as one row or one column here, and leading axes as one." : "",
    ),
  ];
}

/** A factor of a matrix product, as a matrix of the data or its transpose. */
function factor({ array, transposed }) {
  const { shape, rows, of } = arrays[array];
  const [m, n] =
    shape.length === 1 ? [1, shape[0]] : [sizeOf(shape) / columnsOf(shape), columnsOf(shape)];
  if (!transposed) return { shape: [m, n], rows, of };
  return {
    shape: [n, m],
    rows: rows[0].map((_, j) => rows.map((line) => line[j])),
    of: of && [of[1], of[0]],
  };
}

/** A figure of an array that is not in the data. */
function matrixOf(array, caption, role) {
  const index = arrays.length;
  arrays.push(array);
  const figure = matrix(index, caption, role);
  arrays.pop();
  return figure;
}
