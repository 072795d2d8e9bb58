"use strict";
// The page can be read without this: it sorts and filters tables, highlights series in all figures, and shows values under the pointer.
(() => {
  const byId = id => document.getElementById(id), all = (what, where = document) => [...where.querySelectorAll(what)];
  const tools = byId("tools"), found = byId("found"), tip = byId("tip");
  tools.hidden = false;

  // Tables: a click sorts by a column, another one the other way round. What is missing ("-") stays last.
  const value = (row, column, numbers) => {
    const text = row.cells[column].textContent.trim();
    if (!numbers) return text;
    const number = parseFloat(text.replace(/^[^\d+-]+/, ""));
    return Number.isNaN(number) ? null : number;
  };
  const sort = (table, head) => {
    const column = head.cellIndex, numbers = head.classList.contains("n"), down = head.getAttribute("aria-sort") === "ascending";
    const rows = [...table.tBodies[0].rows].map(row => [value(row, column, numbers), row]);
    rows.sort(([a], [b]) => {
      const lacks = (a === null || a === "-") - (b === null || b === "-");
      if (lacks) return lacks;
      const order = numbers ? a - b : a.localeCompare(b, "en", {numeric: true});
      return down ? -order : order;
    });
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };
  for (const table of all("main table")) {
    if (table.tBodies[0].rows.length < 2) continue;
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }

  // A pattern is a regular expression where it is one, else plain text; case does not matter.
  const matcher = text => {
    try {
      const pattern = new RegExp(text, "i");
      return one => pattern.test(one);
    } catch {
      return one => one.toLowerCase().includes(text.toLowerCase());
    }
  };
  const rows = all("main tbody tr"), series = all("main .series");
  const said = {rows: "", series: ""};
  const say = () => { found.textContent = [said.series, said.rows].filter(Boolean).join(", "); };
  const filter = text => {
    const matches = matcher(text);
    let shown = 0;
    for (const row of rows) {
      row.hidden = text !== "" && !matches([...row.cells].map(cell => cell.textContent).join("\t"));
      shown += !row.hidden;
    }
    said.rows = text && `${shown} of ${rows.length} rows`;
    say();
  };
  const highlight = text => {
    const matches = matcher(text), names = new Set();
    for (const one of series) {
      const chosen = text === "" || matches(one.dataset.series);
      if (chosen) names.add(one.dataset.series);
      one.classList.toggle("dimmed", !chosen);
    }
    // Nothing matches: nothing is dimmed, as if nothing was asked for.
    if (!names.size) for (const one of series) one.classList.remove("dimmed");
    said.series = text && `${names.size} series`;
    say();
  };
  const soon = (input, work) => {
    let timer = 0;
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => work(input.value.trim()), 120); });
    if (input.value) work(input.value.trim());  // kept by the browser over a reload
  };
  for (const name of [...new Set(series.map(one => one.dataset.series))].sort().slice(0, 300)) {
    const option = document.createElement("option");
    option.value = name;
    byId("names").append(option);
  }
  soon(byId("filter"), filter);
  soon(byId("highlight"), highlight);
  if (!series.length) byId("highlight").parentNode.hidden = true;

  // Values: of the mark under the pointer, or of the nearest one within a finger's breadth. The texts are the marks' own titles.
  const NEAR = 12;
  const texts = new WeakMap();  // titles are taken out when first met, or the browser would show them besides
  const title = element => {
    if (!texts.has(element)) {
      const child = [...element.children].find(one => one.localName === "title");
      texts.set(element, child ? child.textContent : "");
      if (child) child.remove();
    }
    return texts.get(element);
  };
  const marksOf = new WeakMap();
  const marks = svg => {
    if (!marksOf.has(svg)) marksOf.set(svg, all(".series title", svg).map(one => one.parentNode).slice(0, 5000));
    return marksOf.get(svg);
  };
  let places = null, placed = null;
  const forget = () => { placed = null; tip.hidden = true; };
  const nearest = (svg, x, y) => {
    if (placed !== svg) {
      placed = svg;
      places = marks(svg).map(one => [one, one.getBoundingClientRect()]);
    }
    let best = null, least = NEAR * NEAR;
    for (const [one, box] of places) {
      if (one.closest(".dimmed")) continue;
      const dx = x - (box.left + box.right) / 2, dy = y - (box.top + box.bottom) / 2;
      if (dx * dx + dy * dy < least) [best, least] = [one, dx * dx + dy * dy];
    }
    return best;
  };
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 4))}px`;
    tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18}px`;
  };
  document.addEventListener("pointermove", event => {
    const svg = event.target instanceof Element && event.target.closest(".drawing svg");
    if (!svg) return forget();
    marks(svg);
    const under = event.target.closest(".series") && title(event.target);
    const mark = under ? event.target : nearest(svg, event.clientX, event.clientY);
    const text = mark && title(mark);
    if (text) show(text, event.clientX, event.clientY);
    else tip.hidden = true;
  });
  addEventListener("scroll", forget, {capture: true, passive: true});
  addEventListener("keydown", event => { if (event.key === "Escape") forget(); });

  // Only what scrolls is a stop of the tab key.
  const stops = () => {
    for (const one of all(".scroll, pre")) {
      if (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", () => { forget(); stops(); });
  stops();

  // On paper everything is open.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
