// Matrices as figures: their numbers, the answers of their entries, and the marks in them.

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
  const map = heatMap(array, table, largest);
  if (map) figure.append(map);
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

const WIDE = 16; // columns from which on a matrix has a picture, too

/** A wide matrix as a heat map, and images and kernels as pictures: a loupe for the numbers. */
function heatMap(array, table, largest) {
  const { shape, rows } = array;
  const columns = rows.length ? rows[0].length : 0;
  const images = shape.length === 4 && shape[2] > 1 && columns === shape[3];
  if (rows.length < 2 || columns < 2 || !(images || columns >= WIDE)) return null;
  const tall = images ? shape[2] : rows.length; // of one tile
  const tiles = Math.ceil(rows.length / tall);
  const across = Math.min(tiles, images && shape[1] > 1 ? shape[1] : 8);
  const width = across * (columns + 1) - 1;
  const height = Math.ceil(tiles / across) * (tall + 1) - 1;
  const canvas = make("canvas", { class: "map", width, height, role: "img" });
  canvas.setAttribute("aria-label", images ? "the same as images" : "the same as a heat map");
  canvas.style.width = `${Math.min(12, Math.max(4, Math.floor(360 / width))) * width}px`;
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colours = ["--negative", "--positive"].map((name) => style.getPropertyValue(name));
  const cells = new Map(); // pixel -> row and column
  rows.forEach((row, r) =>
    row.forEach((n, c) => {
      const tile = Math.floor(r / tall);
      const x = (tile % across) * (columns + 1) + c;
      const y = Math.floor(tile / across) * (tall + 1) + (r % tall);
      cells.set(y * width + x, [r, c]);
      const share = Number.isFinite(number(n)) ? Math.abs(number(n)) / largest : 0;
      context.fillStyle = `rgba(${colours[Number(number(n) > 0)]}, ${share.toFixed(3)})`;
      context.fillRect(x, y, 1, 1);
    }),
  );
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    table.querySelector(".loupe")?.classList.remove("loupe");
    const place = cells.get(y * width + x);
    canvas.title = "";
    if (!place) return;
    const [r, c] = place;
    const cell = table.rows[r].cells[c];
    cell.classList.add("loupe");
    canvas.title = `${at(shape, r, c)} ${cell.textContent}`;
    bringIntoView(table.parentNode, cell);
  });
  return canvas;
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
