// The data, where the reader is in it, and what all parts use: elements, numbers, arrays.

const data = JSON.parse(document.getElementById("data").textContent);
const { vertices, arrays, steps, lines, groups = [] } = data;
const byId = (id) => document.getElementById(id);
const graph = byId("graph"),
  panel = byId("panel");
const firstBackward = steps.findIndex((s) => s.kind === "seed");
let current = -1,
  timer = null,
  wantJacobian = false,
  wantGuide = null;

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
for (const array of arrays) {
  const packed = { ...array }; // unpacked when it is looked at: a large graph opens at once
  let rows = null;
  Object.defineProperty(array, "rows", { get: () => (rows ??= unpacked(packed)) });
}
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
