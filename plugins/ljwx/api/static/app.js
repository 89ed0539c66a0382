// The shell: which page is shown, in which language and theme, and what is said when nothing can be shown.

import { keepToken, needsLogin } from "./api.js";
import { h, notice } from "./dom.js";
import { add, choose, language, said, t } from "./i18n.js";
import { follow } from "./theme.js";

/** Every page: a module whose `show(main, rest, signal)` fills the page; `rest` is what follows its name after #. */
const PAGES = {
  analysis: () => import("./pages/analysis.js"),
  record: () => import("./pages/record.js"),
  models: () => import("./pages/models.js"),
  data: () => import("./pages/data.js"),
  lineage: () => import("./pages/lineage.js"),
};
add({ zh: { "page-analysis": "分析", "page-record": "战绩", "page-models": "模型", "page-data": "数据", "page-lineage": "来历" }, en: { "page-analysis": "Analysis", "page-record": "Record", "page-models": "Models", "page-data": "Data", "page-lineage": "Lineage" } });

const main = document.getElementById("main");
let going = new AbortController();
const PLACE = "ljwx-place";

/** A frame forgets where it was when it is loaded again, as a window does not: then this tab remembers. */
function remember() {
  if (window.parent === window) return;
  const before = sessionStorage.getItem(PLACE);
  if (!location.hash && before) history.replaceState(null, "", before);
  else sessionStorage.setItem(PLACE, location.hash);
}

/** A part of the address; one that is badly written stays as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function place() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  return [name || "analysis", rest];
}

function frame(name) {
  document.documentElement.lang = language;
  document.title = `${t(`page-${name}`)} · ljwx-stock`;
  for (const id of ["label", "risk", "skip", "language"]) document.getElementById(id).textContent = t(id);
  document.getElementById("language").lang = language === "zh" ? "en" : "zh";
  const nav = document.getElementById("nav");
  nav.setAttribute("aria-label", "ljwx-stock");
  nav.replaceChildren(...Object.keys(PAGES).map((each) =>
    h("a", { href: `#/${each}`, "aria-current": each === name ? "page" : null }, t(`page-${each}`))));
}

function signIn(error) {
  if (error.kind !== "no_token" && error.kind !== "bad_token") return main.replaceChildren(notice(t("login")));
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "hint" });
  const enter = (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    go();
  };
  main.replaceChildren(h("form", { submit: enter },
    h("h1", {}, t("sign-in")),
    error.kind === "bad_token" ? notice(t("bad-token"), true) : null,
    h("p", {}, h("label", { for: "token" }, t("token"))),
    h("div", { class: "row" }, input, h("button", { class: "main" }, t("sign-in"))),
    h("p", { class: "soft", id: "hint" }, t("token-hint"))));
}

/** Say in the page what went wrong, with a way to try again. */
function failed(error) {
  if (needsLogin(error)) return signIn(error);
  main.replaceChildren(notice(`${t("failed")}${said(error)}`, true), h("p", {}, h("button", { type: "button", click: go }, t("retry"))));
}

async function go() {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  remember();
  const [name, rest] = place();
  frame(name);
  if (!Object.hasOwn(PAGES, name)) return main.replaceChildren(notice(t("no-page")));
  main.replaceChildren(h("p", { class: "soft", role: "status" }, t("loading")));
  main.setAttribute("aria-busy", "true");
  try {
    const page = await PAGES[name]();
    if (!signal.aborted) await page.show(main, rest, signal);
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
  if (!signal.aborted) main.removeAttribute("aria-busy");
}

document.getElementById("language").addEventListener("click", () => {
  choose(language === "zh" ? "en" : "zh");
  go();
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", go);
follow();
go();
