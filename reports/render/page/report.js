"use strict";
// A link to a rule opens it, and the fold that it may be in.
(() => {
  const reveal = () => {
    const rule = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!rule?.matches("details.finding")) return;
    for (let details = rule; details; details = details.parentElement.closest("details")) details.open = true;
    rule.hidden = false;
    rule.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
// What was found is printed open, as it was left it is shown again.
(() => {
  const found = ["fail", "harness_error", "warning", "known", "note"].map((state) => `details.finding.${state}`).join();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll(found)].filter((details) => !details.open);
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
// The filter over the rules: a rule is shown when verdict, group and words all match.
(() => {
  const filters = document.querySelector(".filters");
  if (!filters) return;
  const rules = [...document.querySelectorAll("#rules .finding")];
  const buttons = [...filters.querySelectorAll("button")];
  const group = filters.querySelector("select");
  const search = filters.querySelector("input");
  const folds = document.querySelectorAll("#rules .fold");
  let state = "";

  const matches = (rule) =>
    (!state || rule.dataset.state === state) &&
    (!group.value || rule.dataset.group === group.value) &&
    rule.textContent.toLowerCase().includes(search.value.trim().toLowerCase());

  const apply = () => {
    for (const rule of rules) rule.hidden = !matches(rule);
    for (const fold of folds) {
      fold.hidden = !fold.querySelector(".finding:not([hidden])");
      fold.open = Boolean(state || group.value || search.value.trim());
    }
    document.getElementById("none").hidden = rules.some((rule) => !rule.hidden);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      state = button.dataset.state;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      apply();
    });
  }
  group.addEventListener("change", apply);
  search.addEventListener("input", apply);
  filters.hidden = false;
})();
