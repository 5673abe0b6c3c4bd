"use strict";
// Turns the headings of sortable tables into buttons. Without this script the tables stand in network order.
// `#sort=cycles` sorts by the heading with that key when the page opens, `#sort=-cycles` the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.querySelectorAll("thead th")];
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
  };
  const sort = (column, ascending) => {
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    headings[column].setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sign = ascending ? 1 : -1;
    const rows = [...body.rows].sort((a, b) => {
      const x = key(a, column), y = key(b, column);
      return sign * (typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true }));
    });
    body.append(...rows);
  };
  // What is large comes first for numbers, what is early in the alphabet or the network for the others.
  const ascendsFirst = (column) => !headings[column].classList.contains("number");
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      sort(column, now ? now === "descending" : ascendsFirst(column));
    });
  });
  const sortByAddress = () => {
    const wanted = /^#sort=(-?)(\w+)$/.exec(location.hash);
    const column = wanted ? headings.findIndex((heading) => heading.dataset.key === wanted[2]) : -1;
    if (column >= 0) sort(column, ascendsFirst(column) !== (wanted[1] === "-"));
  };
  window.addEventListener("hashchange", sortByAddress);
  sortByAddress();
}
