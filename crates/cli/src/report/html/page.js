"use strict";
(() => {
  const searchable = new WeakMap();
  const textOf = (item) => {
    if (!searchable.has(item)) searchable.set(item, item.textContent.toLowerCase());
    return searchable.get(item);
  };

  const matches = (item, want) => {
    if (want.states && !want.states.has(item.dataset.state)) return false;
    if (want.severities && !want.severities.has(item.dataset.severity)) return false;
    if (want.phase && item.dataset.phase !== want.phase) return false;
    if (want.severity && item.dataset.severity !== want.severity) return false;
    const text = want.words.length ? textOf(item) : "";
    return want.words.every((word) => text.includes(word));
  };

  const checked = (form, name) => {
    const boxes = [...form.querySelectorAll(`input[type=checkbox][name=${name}]`)];
    return boxes.length ? new Set(boxes.filter((box) => box.checked).map((box) => box.value)) : null;
  };

  const apply = (form) => {
    const list = document.getElementById(form.dataset.for);
    const value = (name) => form.querySelector(`[name=${name}]:not([type=checkbox])`)?.value ?? "";
    const want = {
      states: checked(form, "state"),
      severities: checked(form, "severity"),
      phase: value("phase"),
      severity: value("severity"),
      words: value("text").toLowerCase().split(/\s+/).filter(Boolean),
    };
    let shown = 0;
    let total = 0;
    for (const group of list.querySelectorAll(".group")) {
      let visible = 0;
      for (const item of group.querySelectorAll(".item")) {
        item.hidden = !matches(item, want);
        total += 1;
        visible += item.hidden ? 0 : 1;
      }
      group.hidden = visible === 0;
      shown += visible;
    }
    form.querySelector("output").textContent = `${shown} of ${total}`;
  };

  for (const form of document.querySelectorAll(".filters")) {
    let waiting = 0;
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => apply(form), 80);
    });
    apply(form);
  }

  for (const tile of document.querySelectorAll("[data-show]")) {
    tile.addEventListener("click", () => {
      const form = document.querySelector(".filters[data-for=controls]");
      form.reset();
      for (const box of form.querySelectorAll("[name=state]")) box.checked = box.value === tile.dataset.show;
      apply(form);
    });
  }

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target?.classList.contains("item")) return;
    target.hidden = false;
    target.closest(".group").hidden = false;
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
