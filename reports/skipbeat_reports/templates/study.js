"use strict";
// The plane of two columns: filter by parameters, point at a dot to read it, click it for the layers of its report.
{
  const data = JSON.parse(document.getElementById("study-data").textContent);
  const at = (id) => document.getElementById(id);
  const plane = at("plane"), tip = at("tip"), report = at("report");
  const NS = "http://www.w3.org/2000/svg", LEFT = 70, RIGHT = 745, TOP = 15, BOTTOM = 415;
  const numeric = [...new Set(data.points.flatMap((point) => Object.keys(point.row)))].filter((name) =>
    data.points.some((point) => typeof point.row[name] === "number"));
  const text = (value) => value === null || value === undefined ? "–" :
    typeof value !== "number" ? String(value) :
    Number.isInteger(value) ? value.toLocaleString("en") : Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
  const make = (name, attributes, content) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (content !== undefined) made.textContent = content;
    return made;
  };
  const element = (name, content) => {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    return made;
  };
  const options = (select, names, chosen) => names.forEach((name) => {
    const option = element("option", name);
    option.value = name;
    option.selected = name === chosen;
    select.append(option);
  });
  const objectives = data.objectives.filter((name) => numeric.includes(name));
  options(at("across"), numeric, objectives[0] ?? numeric[0]);
  options(at("up"), numeric, objectives[1] ?? "utilization");
  const filters = Object.entries(data.choices).map(([name, values]) => {
    const label = element("label", `${name} `), select = element("select");
    options(select, ["all", ...values.map(String)], "all");
    label.append(select);
    at("filters").append(label);
    select.addEventListener("change", draw);
    return (row) => select.value === "all" || String(row[name]) === select.value;
  });
  for (const id of ["across", "up", "only"]) at(id).addEventListener("change", draw);

  function ticks(low, high) {
    const span = high - low || Math.abs(high) || 1, step = 10 ** Math.floor(Math.log10(span));
    const size = [0.2, 0.5, 1].map((part) => part * step).find((each) => span / each <= 6) ?? 2 * step;
    const found = [];
    for (let tick = Math.ceil(low / size) * size; tick <= high + size * 1e-9; tick += size) found.push(tick);
    return found;
  }

  function draw() {
    const x = at("across").value, y = at("up").value;
    const shown = data.points.filter((point) => filters.every((holds) => holds(point.row)) &&
      (!at("only").checked || point.front) && typeof point.row[x] === "number" && typeof point.row[y] === "number");
    plane.replaceChildren();
    tip.hidden = true;
    if (!shown.length) {
      plane.append(make("text", { x: 380, y: 220, "text-anchor": "middle" }, "no point is left"));
      return;
    }
    const range = (name) => {
      const values = shown.map((point) => point.row[name]);
      const low = Math.min(...values), high = Math.max(...values), edge = (high - low || Math.abs(high) || 1) * 0.06;
      return [low - edge, high + edge];
    };
    const [x0, x1] = range(x), [y0, y1] = range(y);
    const right = (value) => LEFT + (value - x0) / (x1 - x0) * (RIGHT - LEFT);
    const up = (value) => BOTTOM - (value - y0) / (y1 - y0) * (BOTTOM - TOP);
    for (const tick of ticks(x0, x1)) {
      plane.append(make("line", { x1: right(tick), x2: right(tick), y1: TOP, y2: BOTTOM, class: "grid" }));
      plane.append(make("text", { x: right(tick), y: BOTTOM + 18, "text-anchor": "middle" }, text(tick)));
    }
    for (const tick of ticks(y0, y1)) {
      plane.append(make("line", { x1: LEFT, x2: RIGHT, y1: up(tick), y2: up(tick), class: "grid" }));
      plane.append(make("text", { x: LEFT - 8, y: up(tick) + 4, "text-anchor": "end" }, text(tick)));
    }
    plane.append(make("text", { x: (LEFT + RIGHT) / 2, y: 452, "text-anchor": "middle" }, x));
    plane.append(make("text", { x: 12, y: 215, transform: "rotate(-90 12 215)", "text-anchor": "middle" }, y));
    for (const point of [...shown].sort((a, b) => a.front - b.front)) {
      const dot = make("circle", { cx: right(point.row[x]), cy: up(point.row[y]), r: point.front ? 6 : 4,
        class: point.front ? "front" : "other", tabindex: 0 });
      dot.addEventListener("pointerenter", () => say(point, x, y, dot));
      dot.addEventListener("focus", () => say(point, x, y, dot));
      dot.addEventListener("pointerleave", () => { tip.hidden = true; });
      dot.addEventListener("click", () => open(point));
      dot.addEventListener("keydown", (event) => { if (event.key === "Enter") open(point); });
      plane.append(dot);
    }
  }

  function say(point, x, y, dot) {
    const names = [...Object.keys(data.choices), x, y];
    tip.replaceChildren(...names.map((name) => element("div", `${name}: ${text(point.row[name])}`)));
    const box = dot.getBoundingClientRect();
    tip.style.left = `${box.right + scrollX + 6}px`;
    tip.style.top = `${box.bottom + scrollY + 6}px`;
    tip.hidden = false;
  }

  function table(headings, rows) {
    const made = element("table"), head = element("tr");
    head.append(...headings.map((heading) => element("th", heading)));
    made.append(head);
    for (const row of rows) {
      const line = element("tr");
      line.append(...row.map((value) => element("td", value)));
      made.append(line);
    }
    return made;
  }

  function open(point) {
    const rows = Object.entries(point.row).filter(([name]) => name !== "refused").map(([name, value]) => [name, text(value)]);
    report.replaceChildren(element("h3", point.front ? "On the front" : "Not on the front"), table(["", ""], rows));
    if (point.layers) {
      const names = Object.keys(point.layers[0] ?? {});
      report.append(element("h3", "Layers"), table(names, point.layers.map((layer) => names.map((name) => text(layer[name])))));
    } else {
      report.append(element("p", "The page has no room for its layers: skipbeat estimate prints them."));
    }
  }

  if (data.points.length) {
    document.querySelector(".explorer").hidden = false;
    draw();
  }
}
