// Sets the chosen theme before the page is painted, and switches it. Without a choice the system's theme applies.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("kiln-theme");
  const apply = () => {
    if (chosen()) root.dataset.theme = chosen();
  };
  window.kilnTheme = {
    isDark: () => (chosen() ? chosen() === "dark" : dark.matches),
    toggle() {
      localStorage.setItem("kiln-theme", this.isDark() ? "light" : "dark");
      apply();
    },
    onChange: (listener) => dark.addEventListener("change", listener),
  };
  apply();
})();
