// Light or dark: as Airflow's page around the frame is, else as the system is.

const system = matchMedia("(prefers-color-scheme: dark)");

function around() {
  try {
    if (window.parent === window) return null;
    const root = window.parent.document.documentElement;
    if (root.classList.contains("dark")) return "dark";
    return root.classList.contains("light") ? "light" : null;
  } catch {
    return null; // a frame of another origin tells nothing
  }
}

function apply() {
  const theme = around() ?? (system.matches ? "dark" : "light");
  if (document.documentElement.dataset.theme === theme) return;
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new Event("ljwx-theme"));
}

/** Follow the theme from now on. */
export function follow() {
  apply();
  system.addEventListener("change", apply);
  try {
    if (window.parent !== window) new MutationObserver(apply).observe(window.parent.document.documentElement, { attributes: true, attributeFilter: ["class"] });
  } catch { /* as above */ }
}

/** A colour of the style sheet, such as `--ink`. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
