// Elements made from values: text is always text, so that nothing that was said becomes markup.

/** Make an element: `h("p", {class: "soft"}, "text", child)`; functions become listeners. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** A table with a heading for each column; numbers stand to the right. */
export function table(caption, heads, rows) {
  const cell = (name, value, like = value) => h(name, { class: typeof like === "number" ? "number" : null, scope: name === "th" ? "col" : null },
    value instanceof Node ? value : value ?? "–");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head, at) => cell("th", head, rows[0]?.[at])))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value) => cell("td", value)))))));
}

/** A box that says why there is nothing to see. */
export const notice = (text, bad = false) => h("div", { class: bad ? "notice bad" : "notice", role: bad ? "alert" : "status" }, text);
