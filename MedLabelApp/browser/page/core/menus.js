// Menus open by state.ml_menu; Escape, a click elsewhere, and leaving by Tab close them; arrows move in them.
(function () {
  "use strict";
  const set = (value) => window.trame.state.set("ml_menu", value);
  const open = () => document.querySelector(".ml-menu");

  document.addEventListener("pointerdown", (event) => {
    if (open() && !event.target.closest(".ml-menu, [aria-haspopup=menu]")) set("");
  }, true);
  document.addEventListener("keydown", (event) => {
    const menu = open();
    if (!menu) return;
    const opener = document.querySelector("[aria-haspopup=menu][aria-expanded=true]");
    if (event.key === "Escape") {
      set("");
      if (opener) opener.focus();
    } else if (event.key === "Tab") {
      set("");
      return;
    } else if (["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      const items = [...menu.querySelectorAll("button:not(:disabled)")];
      const at = items.indexOf(document.activeElement);
      const to = { Home: 0, End: items.length - 1 }[event.key];
      const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
      items[to === undefined ? (at + step + items.length) % items.length : to].focus();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
})();
