"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { vertices, arrays, steps, lines } = data;
  const byId = (id) => document.getElementById(id);
  const graph = byId("graph"),
    panel = byId("panel");
  const firstBackward = steps.findIndex((s) => s.kind === "seed");
  let current = -1,
    timer = null,
    wantJacobian = false,
    wantGuide = null;

  // ------------------------------------------------------------------------------- small helpers

  /** An element with text and children; text is never read as markup. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false)
        element.setAttribute(name, value);
    }
    element.append(...children.filter((c) => c !== null && c !== undefined));
    return element;
  }

  function makeSvg(tag, attributes = {}, text = null) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== null) element.textContent = text;
    return element;
  }

  /** A number as it is printed: small ones with an exponent, minus as a minus. */
  const shownNumber = (n) => {
    const small = typeof n === "number" && n !== 0 && Math.abs(n) < 1e-4;
    return (small ? n.toExponential() : String(n)).replaceAll("-", "−");
  };
  const number = (n) =>
    typeof n === "number" ? n : Number(n === "inf" ? Infinity : n === "-inf" ? -Infinity : NaN);
  const inBrackets = (n) => (number(n) < 0 ? `(${shownNumber(n)})` : shownNumber(n));
  const cut = (text, n) => {
    const c = [...text];
    return c.length > n ? c.slice(0, n - 1).join("") + "…" : text;
  };
  const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);
  const columnsOf = (shape) => (shape.length ? shape[shape.length - 1] : 1);

  /** The rows of an array, from one of the four ways in which packing.py writes them. */
  function unpacked({ shape, size, fill, bits, like, entries, rows }) {
    const token = (text) => {
      const n = Number(text);
      return Number.isNaN(n) ? text : n;
    };
    const n = columnsOf(shape);
    const [height, width] = size ?? [n ? sizeOf(shape) / n : sizeOf(shape.slice(0, -1)), n];
    if (rows !== undefined && width)
      return rows
        .split(";")
        .map((row) => (row ? row.split(" ").map(token) : []))
        .slice(0, height);
    const all = Array.from({ length: height }, () =>
      new Array(width).fill(fill === undefined ? 0 : token(fill)),
    );
    if (bits !== undefined) {
      const one = (k) => (Number.parseInt(bits.substr(2 * (k >> 3), 2), 16) >> (7 - (k & 7))) & 1;
      return all.map((row, r) =>
        row.map((_, c) =>
          one(r * width + c) ? (like === undefined ? 1 : arrays[like].rows[r][c]) : 0,
        ),
      );
    }
    for (const entry of entries ? entries.split(";") : []) {
      const [r, c, value] = entry.split(" ");
      all[r][c] = token(value);
    }
    return all;
  }
  for (const array of arrays) array.rows = unpacked(array);
  for (const vertex of vertices) vertex.inputs ??= [];

  /** The place of an entry in an array: `[i, j]`, all axes of it; nothing for a single number. */
  function at(shape, r, c) {
    if (!shape.length) return "";
    const indices = [c];
    for (let axis = shape.length - 2, rest = r; axis >= 0; axis--) {
      indices.unshift(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    return `[${indices.join(", ")}]`;
  }

  // ----------------------------------------------------------------------------------- matrices

  /** A figure with an array's numbers.  `role` names it for the marks of `ask`. */
  function matrix(index, caption, role, ask = null, note = null) {
    const figure = make("figure", { "data-role": role });
    const title = make("figcaption", {}, make("b", {}, caption));
    figure.append(title);
    if (index === null || index === undefined) {
      title.append(make("span", {}, ` ${note || "not kept"}`));
      return figure;
    }
    const array = arrays[index];
    const shape = array.shape.length ? array.shape.join("×") : "scalar";
    title.append(
      make("span", {}, ` ${shape}${note ? ", " + note : ""}`),
      make("span", { class: "hint", "aria-hidden": "true" }),
    );
    const flat = array.rows.flat().map(number).filter(Number.isFinite);
    const largest = Math.max(1e-30, ...flat.map(Math.abs));
    const table = make("table", { "data-array": index, "aria-label": `${caption}, ${shape}` });
    if (ask) table.className = "asks";
    if (array.rows.length && array.rows[0].length <= 4) figure.className = "narrow";
    array.rows.forEach((row, r) => {
      const line = make("tr");
      const tall = array.shape[array.shape.length - 2];
      if (array.shape.length > 2 && r && r % tall === 0) line.className = "block";
      row.forEach((n, c) => {
        const cell = make("td", { "data-r": r, "data-c": c }, shownNumber(n));
        const share = Number.isFinite(number(n)) ? (0.3 * Math.abs(number(n))) / largest : 0;
        if (share > 0.01) {
          const colour = number(n) > 0 ? "--positive" : "--negative";
          cell.style.backgroundColor = `rgba(var(${colour}), ${share.toFixed(3)})`;
        }
        if (ask) cell.tabIndex = r === 0 && c === 0 ? 0 : -1;
        line.append(cell);
      });
      table.append(line);
    });
    figure.append(make("div", { class: "scroll" }, table));
    if (array.of) {
      const [rows, columns] = array.of;
      const shown =
        `${array.rows.length} of ${rows} rows, ` + `${array.rows[0].length} of ${columns} columns`;
      figure.append(make("p", { class: "cut" }, `Cut: ${shown} are shown.`));
    }
    if (array.shape.includes(0)) figure.append(make("p", { class: "cut" }, "No entries."));
    if (ask) explainEntries(table, ask);
    return figure;
  }

  function explainEntries(table, ask) {
    const answer = (event) => {
      const cell = event.target.closest("td");
      if (cell) ask(Number(cell.dataset.r), Number(cell.dataset.c), cell);
    };
    table.addEventListener("pointerover", answer);
    table.addEventListener("click", answer);
    table.addEventListener("focusin", answer);
    table.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const cell = event.target.closest("td");
      if (!cell || !(event.key in moves)) return;
      const [dr, dc] = moves[event.key];
      const to = table.rows[Number(cell.dataset.r) + dr]?.cells[Number(cell.dataset.c) + dc];
      event.preventDefault();
      event.stopPropagation();
      if (!to) return;
      cell.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    });
  }

  function clearMarks() {
    panel
      .querySelectorAll("td.mark, td.target")
      .forEach((c) => c.classList.remove("mark", "target"));
  }

  /** Mark the cells for which test(row, column) holds, in the figure `role` or one of several. */
  function mark(role, test, vertex = null) {
    const one = vertex === null ? "" : `[data-of="${vertex}"]`;
    panel.querySelectorAll(`figure[data-role="${role}"]${one}`).forEach((figure) => {
      let first = null;
      figure.querySelectorAll("td").forEach((cell) => {
        if (!test(Number(cell.dataset.r), Number(cell.dataset.c))) return;
        cell.classList.add("mark");
        first ??= cell;
      });
      if (first) bringIntoView(figure.querySelector(".scroll"), first);
    });
  }

  /** Scroll a matrix, and nothing around it, so that a cell can be seen. */
  function bringIntoView(area, cell) {
    const a = cell.getBoundingClientRect(),
      b = area.getBoundingClientRect();
    if (a.top < b.top || a.bottom > b.bottom) area.scrollTop += a.top - b.top - 8;
    if (a.left < b.left || a.right > b.right) area.scrollLeft += a.left - b.left - 8;
  }

  function sumText(terms, limit = 12) {
    const shown = terms.slice(0, limit).join(" + ");
    return terms.length > limit ? `${shown} + … (${terms.length} terms)` : shown || "0";
  }

  // ----------------------------------------------------------------------------- rules of a VJP

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

  /** How an entry of the product is written, which is summed later if x̄ has another shape. */
  function placeBefore(step) {
    const { bar } = vertices[step.target],
      { shape } = arrays[step.raw ?? step.gradient];
    return (r, c) =>
      step.raw === undefined
        ? bar + at(shape, r, c)
        : `${bar} before the sum ${at(shape, r, c)}`.trim();
  }

  /** The figures of a vector-Jacobian product; the first is the result. */
  function product(step) {
    const rule = step.rule,
      target = vertices[step.target],
      source = vertices[step.vertex];
    const result = step.raw ?? step.gradient;
    const name = step.raw === undefined ? target.bar : `${target.bar} before the sum`;
    const entry = (r, c) => arrays[result].rows[r][c];
    const place = placeBefore(step);
    const row = make("div", { class: "row product" });

    if (rule.kind === "product") {
      const left = factor(rule.left),
        right = factor(rule.right);
      const inner = left.of ? left.of[1] : columnsOf(left.shape);
      const columns = columnsOf(right.shape);
      const wide = columnsOf(arrays[result].shape);
      const ask = (r, c, cell) => {
        clearMarks();
        const flat = r * wide + c,
          i = Math.floor(flat / columns),
          j = flat % columns;
        mark("left", (a) => a === i);
        mark("right", (_, b) => b === j);
        if (!left.rows[i] || j >= right.rows[0].length) {
          answerWith(
            cell,
            `${place(r, c)} = ${shownNumber(entry(r, c))}: its row or column is cut here.`,
          );
          return;
        }
        const terms = left.rows[i]
          .slice(0, right.rows.length)
          .map((n, k) => `${inBrackets(n)}·${inBrackets(right.rows[k][j])}`);
        const hidden = inner - terms.length;
        const more = hidden > 0 ? ` + … (${hidden} more terms are cut)` : "";
        answerWith(
          cell,
          equation(
            place(r, c),
            `row ${i} of ${rule.left.symbol} · column ${j} of ${rule.right.symbol}`,
            sumText(terms) + more,
            shownNumber(entry(r, c)),
          ),
        );
      };
      row.append(
        matrix(result, name, "result", ask),
        term("=", matrixOf(left, rule.left.symbol, "left")),
        term("·", matrixOf(right, rule.right.symbol, "right")),
      );
    } else if (rule.kind === "copy") {
      const [[, given]] = step.g,
        g = arrays[given],
        scale = arrays[rule.scale],
        wide = columnsOf(g.shape);
      const moved = rule.index === undefined ? null : arrays[rule.index].rows;
      const from = (r, c) => {
        const flat = moved ? moved[r][c] : r * columnsOf(arrays[result].shape) + c;
        return [Math.floor(flat / wide), flat % wide];
      };
      const ask = (r, c, cell) => {
        clearMarks();
        const [i, j] = from(r, c),
          factor = scale.rows[r][c];
        mark("scale", (a, b) => a === r && b === c);
        if (number(factor) === 0 && number(entry(r, c)) === 0) {
          answerWith(cell, `${place(r, c)} = 0: nothing of ${source.bar} comes here.`);
          return;
        }
        mark("cotangent", (a, b) => a === i && b === j);
        const g_ij = g.rows[i]?.[j];
        const spot = source.bar + at(g.shape, i, j);
        const was = g_ij === undefined ? `${spot}, which is cut here` : inBrackets(g_ij);
        const times = trivial ? "" : ` · ${inBrackets(factor)}`;
        const named = trivial ? "" : ` · ${factorName(step)}`;
        answerWith(
          cell,
          equation(place(r, c), spot + named, was + times, shownNumber(entry(r, c))),
        );
      };
      const { mask, trivial } = kindOfCopy(step);
      const note = step.g[0][2] === 1 ? "for every entry" : "each entry taken to its place";
      row.append(
        matrix(result, name, "result", ask),
        term("=", matrix(given, source.bar, "cotangent", null, moved && note)),
      );
      if (!trivial) {
        row.append(
          term(
            "∗",
            matrix(
              rule.scale,
              factorName(step),
              "scale",
              null,
              mask ? "1 passes, 0 stops" : "entry by entry",
            ),
          ),
        );
      }
    } else if (rule.kind === "sum") {
      const [[, given]] = step.g,
        g = arrays[given],
        all = rule.axes.length === g.shape.length;
      const down =
        rule.axes.length === g.shape.length - 1 && !rule.axes.includes(g.shape.length - 1);
      const how = all
        ? "all entries summed"
        : down
          ? "summed down each column"
          : `summed over ${axesText(rule.axes)}`;
      const ask = askSum(g, rule.axes, "cotangent", arrays[result], place);
      row.append(
        matrix(result, name, "result", ask),
        term("= Σ", matrix(given, source.bar, "cotangent", null, how)),
      );
    } else {
      row.append(matrix(result, name, "result", askJacobian(step)));
      const used = step.g.map((g, k) => [...g, k]).filter(([symbol]) => symbol);
      used.forEach(([symbol, array, , k], i) => {
        row.append(
          term(
            i ? "," : "⟵",
            matrix(
              array,
              symbol,
              `cotangent${k || ""}`,
              null,
              `through the derivative of ${source.op}`,
            ),
          ),
        );
      });
    }
    const widths = [...row.querySelectorAll("tr:first-child")].map((line) => line.cells.length);
    if (Math.max(...widths) > 8) row.classList.add("wide");
    return row;
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
    const result = arrays[step.raw ?? step.gradient],
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
    const vectors = [step.raw ?? step.gradient, g.array, other.array].some(
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

  // -------------------------------------------------------------------------------------- steps

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
        chip("negative", "orange"),
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

  // -------------------------------------------------------------------------------------- graph

  /** Layers from top to bottom; long edges pass through points of their own in each layer. */
  function layOut() {
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
    const layers = [];
    points.forEach((p, i) => (layers[p.layer] ??= []).push(i));
    const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
    const positions = () =>
      layers.forEach((l) =>
        l.forEach((i, k) => {
          points[i].order = k;
        }),
      );
    positions();
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
        positions();
      });
    }
    const gap = 18;
    layers.forEach((line) => {
      let x = 0;
      line.forEach((i) => {
        points[i].x = x + points[i].width / 2;
        x += points[i].width + gap;
      });
    });
    for (let round = 0; round < 40; round++) {
      (round % 2 ? [...layers].reverse() : layers).forEach((line) => {
        const wanted = line.map((i) => {
          const all = [...points[i].up, ...points[i].down];
          const inner = all.filter((j) => points[j].up.length); // leaves follow, they do not pull
          const near = inner.length ? inner : all;
          return near.length ? mean(near.map((j) => points[j].x)) : points[i].x;
        });
        const apart = (k) => (points[line[k]].width + points[line[k + 1]].width) / 2 + gap;
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
    points.forEach((p) => {
      p.y = 30 + p.layer * 86;
    });
    return { points, edges, height: 60 + (layers.length - 1) * 86 };
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

  // --------------------------------------------------------------------------------- navigation

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

  drawGraph();
  readHash();
})();
