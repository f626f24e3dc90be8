// Sets the chosen theme before anything is painted, and switches it; without a choice the system's own holds.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("kiln-theme");
  const apply = () => {
    if (chosen()) root.dataset.theme = chosen();
  };
  window.kilnTheme = {
    isDark: () => (chosen() ? chosen() === "dark" : dark.matches),
    turn() {
      localStorage.setItem("kiln-theme", this.isDark() ? "light" : "dark");
      apply();
    },
    onChange: (tell) => dark.addEventListener("change", tell),
  };
  apply();
})();
