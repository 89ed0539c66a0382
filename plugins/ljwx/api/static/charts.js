// Charts by plotly, which is loaded when the first chart is drawn, from this server alone.

import { colour } from "./theme.js";

let loading = null;
let drawn = [];

function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/plotly-finance.min.js", import.meta.url);
    script.onload = () => done(window.Plotly);
    script.onerror = () => { loading = null; failed(new Error("plotly-finance.min.js")); };
    document.head.append(script);
  });
  return loading;
}

const axis = (own = {}) => ({
  gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--soft"), automargin: true, ...own,
});

async function paint({ element, make }) {
  const Plotly = await plotly();
  if (!element.isConnected) return;
  const { traces, layout } = make();
  const axes = Object.fromEntries(["xaxis", "yaxis", "yaxis2"].map((name) => [name, axis(layout[name])]));
  await Plotly.react(element, traces, {
    font: { color: colour("--ink"), size: 12 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 12, t: 12, b: 36 }, legend: { orientation: "h", y: -0.16 }, hovermode: "x unified",
    hoverlabel: { bgcolor: colour("--raised"), font: { color: colour("--ink") } }, dragmode: false, ...layout, ...axes,
  }, { displayModeBar: false, responsive: true });
}

/** Begin to load plotly while a page waits for its data; a failure is told by the chart that needs it. */
export const loadAhead = () => { plotly().catch(() => {}); };

const inView = (element) => element.getBoundingClientRect().top < window.innerHeight;
const idle = () => new Promise((done) => (window.requestIdleCallback ?? window.setTimeout)(done));
const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
let onScreen = Promise.resolve();
let below = Promise.resolve();

async function paintLater(chart) {
  await onScreen;
  await frame();
  await idle();
  await paint(chart);
}

/**
 * Draw a chart, and again when the theme changes. Its words for who cannot see it stand in `label`.
 * Those below the screen are not waited for: they are drawn one by one, once the page can be used.
 * @param make returns `{traces, layout}` of plotly; asks `colour` for its colours.
 */
export async function draw(element, label, make) {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  drawn = drawn.filter((each) => each.element.isConnected && each.element !== element);
  const chart = { element, make };
  drawn.push(chart);
  if (!inView(element)) {
    below = below.then(() => paintLater(chart)).catch(reportError);
    return;
  }
  const painting = paint(chart);
  onScreen = Promise.allSettled([onScreen, painting]);
  await painting;
}

document.addEventListener("ljwx-theme", () => drawn.filter((each) => each.element.isConnected).forEach(paint));
export { colour };
