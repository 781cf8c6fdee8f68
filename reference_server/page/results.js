/** Shows the results of an analysis, of whatever JSON they are made: single values first, then lists and tables. */

export function renderResults(parent, results) {
  const heading = element("h4", "Results");
  parent.replaceChildren(heading, render(results ?? "No results were reported."));
  parent.hidden = false;
}

function render(value) {
  if (Array.isArray(value)) return value.every(isObject) ? table(value) : list(value);
  return isObject(value) ? definitions(value) : element("span", scalar(value));
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function definitions(object) {
  const dl = element("dl");
  const isWide = ([, value]) => typeof value === "object" && value !== null;
  const members = Object.entries(object);
  for (const [name, value] of [...members.filter((member) => !isWide(member)), ...members.filter(isWide)]) {
    const group = element("div");
    group.className = isWide([name, value]) ? "wide" : typeof value;
    group.append(element("dt", words(name)), wrap("dd", render(value)));
    dl.append(group);
  }
  return dl;
}

function list(values) {
  const ul = element("ul");
  ul.append(...values.map((value) => wrap("li", render(value))));
  return ul;
}

function table(rows) {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const result = element("table");
  result
    .createTHead()
    .insertRow()
    .append(...columns.map((name) => heading(words(name))));
  const body = result.createTBody();
  for (const row of rows) body.insertRow().append(...columns.map((name) => wrap("td", render(row[name] ?? "–"))));
  return result;
}

function heading(text) {
  const th = element("th", text);
  th.scope = "col";
  return th;
}

function wrap(name, child) {
  const parent = element(name);
  parent.append(child);
  return parent;
}

function element(name, text = "") {
  const created = document.createElement(name);
  created.textContent = text;
  return created;
}

/** "shareOfVoice" and "share_of_voice" -> "Share of voice" */
function words(name) {
  const spaced = name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function scalar(value) {
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : String(value);
}
