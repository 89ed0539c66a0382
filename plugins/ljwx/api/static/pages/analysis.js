// One stock: its bars with what was said of it, and the analysis as the service composes it.

import { get, needsLogin } from "../api.js";
import { colour, draw, loadAhead } from "../charts.js";
import { h, notice, table } from "../dom.js";
import { add, language, percent, said, t } from "../i18n.js";

add({
  zh: {
    "search": "股票代码、名称或拼音", "search-hint": "例如 000001、平安银行、payh", "found-none": "没有找到",
    "choose": "选一只股票,看它的行情、模型的分析和以往判断的对错。", "analyse": "分析", "analysing": "正在询问模型,可能要几分钟…",
    "ask-hint": "第一次问某只股票的某个交易日会询问模型;再问则直接给出。", "day": "截至(可空)",
    "prices": "价格为前复权(以最新一日为准)。", "prices-raw": "来源没有复权因子,价格为当日成交价:除权日会有跳空。",
    "chart": "{code} 的日 K 线、均线、布林轨与成交量,{first} 至 {last},共 {n} 个交易日;最新收盘 {close}",
    "no-bars": "还没有这只股票的行情。", "volume": "成交量", "candles": "日K", "band": "布林轨",
    "calls": "以往的判断", "no-calls": "预测记录里还没有对这只股票的判断。", "session": "交易日",
    "said": "判断", "chance": "可能性", "came": "实际", "outcome": "对错", "which": "问题与模型", "lineage": "来历", "rests": "依据:", "rests-model": "模型的来历", "rests-bar": "当日行情的来历",
    "right": "对", "wrong": "错", "open": "未到期", "none": "无结果", "late": "迟到,不计", "unreadable": "无法读取",
    "facts": "当日事实", "counts": "已到期 {settled} 次,对 {right} 次。次数少时,对错多半是运气。",
  },
  en: {
    "search": "Code, name or pinyin of a stock", "search-hint": "For example 000001, 平安银行, payh", "found-none": "nothing found",
    "choose": "Choose a stock to see its bars, the model's analysis, and how earlier calls turned out.", "analyse": "Analyse",
    "analysing": "Asking the model, which may take minutes…",
    "ask-hint": "The first question about a stock and session asks the model; the next is answered at once.", "day": "As of (may be empty)",
    "prices": "Prices are comparable over ex-rights, relative to the newest.", "prices-raw": "The source has no factors: prices are as traded, and jump at ex-rights.",
    "chart": "Daily bars of {code} with averages, Bollinger bands and volume, {first} to {last}, sessions: {n}; newest close {close}",
    "no-bars": "There are no bars of this stock yet.", "volume": "Volume", "candles": "Daily", "band": "Bollinger",
    "calls": "Earlier calls", "no-calls": "The forward record holds no call about this stock yet.", "session": "Session",
    "said": "Said", "chance": "Chance", "came": "Came", "outcome": "Outcome", "which": "Question and model", "lineage": "Lineage", "rests": "It rests on: ", "rests-model": "the model's lineage", "rests-bar": "the bar's lineage",
    "right": "right", "wrong": "wrong", "open": "open", "none": "no outcome", "late": "late, not counted", "unreadable": "unreadable",
    "facts": "The session's facts", "counts": "Come due: {settled}, right: {right}. Of few, most of that is luck.",
  },
});

export async function show(main, [code], signal) {
  const parts = [h("h1", {}, t("page-analysis")), search(signal)];
  if (!code) {
    await get("stocks?q=0&limit=1", signal); // who is not signed in learns it here, and not after typing
    return main.replaceChildren(...parts, h("p", { class: "soft" }, t("choose")));
  }
  loadAhead();
  const [stock, bars] = await Promise.all([get(`stocks/${encodeURIComponent(code)}`, signal), chartOf(code, signal)]);
  const report = h("section", { "aria-live": "polite" });
  main.replaceChildren(h("h1", {}, `${stock.name} ${stock.ts_code}`), search(signal), bars.element, asking(code, report, signal), report, bars.history);
  await bars.draw();
}

function search(signal) {
  const options = h("ul", { class: "options", role: "listbox", id: "found", hidden: true, "aria-label": t("search") });
  const input = h("input", {
    type: "search", id: "search", placeholder: t("search-hint"), autocomplete: "off", role: "combobox", "aria-expanded": "false",
    "aria-controls": "found", "aria-autocomplete": "list", "aria-label": t("search"),
  });
  let waiting = null, asked = new AbortController(), at = -1;
  const close = () => { options.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const pick = (code) => { close(); location.hash = `#/analysis/${code}`; };
  const offer = (found) => {
    at = -1;
    options.replaceChildren(...(found.length ? found.map((each, n) => h("li", {
      role: "option", id: `found-${n}`, "data-code": each.ts_code, "aria-selected": "false", mousedown: (event) => { event.preventDefault(); pick(each.ts_code); },
    }, `${each.ts_code}  ${each.name}`)) : [h("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("found-none"))]));
    options.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const look = async () => {
    asked.abort();
    asked = new AbortController();
    const words = input.value.trim();
    if (!words) return close();
    try {
      offer(await get(`stocks?q=${encodeURIComponent(words)}&limit=12`, AbortSignal.any([signal, asked.signal])));
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 120); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const all = [...options.querySelectorAll("[data-code]")];
    if (event.key === "Escape") return close();
    if (event.key === "Enter" && all.length && !options.hidden) { event.preventDefault(); return pick(all[Math.max(at, 0)].dataset.code); }
    if (!["ArrowDown", "ArrowUp"].includes(event.key) || options.hidden || !all.length) return;
    event.preventDefault();
    at = (at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length;
    all.forEach((each, n) => each.setAttribute("aria-selected", String(n === at)));
    all[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", all[at].id);
  });
  return h("div", { class: "search" }, input, options);
}

async function chartOf(code, signal) {
  let found;
  try {
    found = await get(`stocks/${encodeURIComponent(code)}/bars`, signal);
  } catch (error) {
    if (error.name === "AbortError" || needsLogin(error)) throw error;
    return { element: notice(said(error)), history: h("div"), draw: async () => {} };
  }
  if (!found.session.length) return { element: notice(t("no-bars")), history: h("div"), draw: async () => {} };
  const chart = h("div", { class: "chart" });
  const newest = [...found.calls].reverse();
  const kinds = [...new Map(newest.map((each) => [`${each.task} ${each.model}`, each])).values()];
  const calls = h("section", {});
  const select = h("select", { id: "task", change: () => paint() }, kinds.map((each, n) => h("option", { value: n }, `${t(each.task)} · ${each.model}`)));
  const paint = () => {
    const kind = kinds[select.value];
    const chosen = kind ? found.calls.filter((each) => each.task === kind.task && each.model === kind.model) : [];
    calls.replaceChildren(...history(chosen, code));
    return draw(chart, summary(found), () => picture(found, chosen));
  };
  const element = h("section", {},
    h("p", { class: "soft" }, found.comparable ? t("prices") : t("prices-raw")),
    kinds.length ? h("div", { class: "row" }, h("label", { for: "task" }, t("which")), select) : null, chart);
  return { element, history: calls, draw: paint };
}

const summary = (found) => t("chart", {
  code: found.ts_code, first: found.session[0], last: found.session.at(-1), n: found.session.length, close: found.close.at(-1),
});

function picture(found, chosen) {
  const line = (name, key, colours, more = {}) => ({
    type: "scatter", mode: "lines", name, x: found.session, y: found[key], line: { color: colour(colours), width: 1.2, ...more.line }, hoverinfo: "skip", ...more.trace,
  });
  const rose = found.close.map((close, n) => close >= (found.open[n] ?? close));
  const traces = [
    { type: "candlestick", name: t("candles"), x: found.session, open: found.open, high: found.high, low: found.low, close: found.close,
      increasing: { line: { color: colour("--up") }, fillcolor: colour("--up") }, decreasing: { line: { color: colour("--down") }, fillcolor: colour("--down") } },
    line("MA5", "ma5", "--b"), line("MA20", "ma20", "--a"), line("MA60", "ma60", "--c"),
    line(t("band"), "upper", "--band", { line: { dash: "dot" }, trace: { legendgroup: "band" } }),
    line(t("band"), "lower", "--band", { line: { dash: "dot" }, trace: { legendgroup: "band", showlegend: false } }),
    { type: "bar", name: t("volume"), x: found.session, y: found.vol, yaxis: "y2", marker: { color: rose.map((up) => colour(up ? "--up" : "--down")), opacity: 0.5 }, showlegend: false },
    ...["right", "wrong", "open"].map((outcome) => marks(found, chosen, outcome)),
  ];
  const layout = {
    xaxis: { type: "category", nticks: 8, rangeslider: { visible: false }, tickangle: 0 },
    yaxis: { domain: [0.26, 1] }, yaxis2: { domain: [0, 0.18], showticklabels: false },
  };
  return { traces: traces.filter((each) => each.x.length), layout };
}

const SIGNS = { right: ["circle", "--right"], wrong: ["x", "--wrong"], open: ["circle-open", "--soft"] };

function marks(found, chosen, outcome) {
  const place = new Map(found.session.map((day, n) => [day, n]));
  const calls = chosen.filter((each) => each.outcome === outcome && place.has(each.session));
  const [symbol, ink] = SIGNS[outcome];
  return {
    type: "scatter", mode: "markers", name: t(outcome), x: calls.map((each) => each.session), y: calls.map((each) => found.high[place.get(each.session)] * 1.015),
    text: calls.map((each) => `${t(each.task)}: ${t(each.said)} · ${t(outcome)}`), hovertemplate: "%{text}<extra></extra>",
    marker: { symbol, size: 9, color: colour(ink), line: { width: 1.5, color: colour(ink) } },
  };
}

const traced = (text, ...parts) => h("a", { href: `#/lineage/${parts.map(encodeURIComponent).join("/")}` }, text);

function history(calls, code) {
  const title = h("h2", {}, t("calls"));
  if (!calls.length) return [title, h("p", { class: "soft" }, t("no-calls"))];
  const settled = calls.filter((each) => ["right", "wrong"].includes(each.outcome));
  const right = settled.filter((each) => each.outcome === "right").length;
  const rows = [...calls].reverse().slice(0, 40).map((each) => [
    each.session, each.said ? t(each.said) : null, percent(each.chance, 0), each.came ? t(each.came) : null,
    h("span", { class: ["right", "wrong"].includes(each.outcome) ? each.outcome : "soft" }, t(each.outcome)),
    traced(t("lineage"), each.session, code, each.task, each.model),
  ]);
  const heads = ["session", "said", "chance", "came", "outcome", "lineage"].map((each) => t(each));
  return [title, h("p", { class: "soft" }, t("counts", { settled: settled.length, right })), table(t("calls"), heads, rows)];
}

function asking(code, report, signal) {
  const day = h("input", { type: "date", id: "day" });
  const button = h("button", { class: "main" }, t("analyse"));
  const ask = async (event) => {
    event.preventDefault();
    button.disabled = true;
    report.replaceChildren(h("p", { class: "soft", role: "status" }, t("analysing")));
    try {
      const query = new URLSearchParams({ language, ...(day.value ? { day: day.value } : {}) });
      const found = await get(`analysis/${encodeURIComponent(code)}?${query}`, signal);
      report.replaceChildren(...shown(found));
    } catch (error) {
      if (error.name !== "AbortError") report.replaceChildren(notice(`${t("failed")}${said(error)}`, true));
    }
    button.disabled = false;
  };
  return h("form", { submit: ask }, h("div", { class: "row" }, h("label", { for: "day" }, t("day")), day, button), h("p", { class: "soft" }, t("ask-hint")));
}

function shown(found) {
  const cards = found.sections.map((section) => h("section", { class: "card" }, h("h2", {}, section.title),
    section.lines.map((line) => h("p", { class: `mark-${line.mark}` }, line.text))));
  return [h("p", { class: "label" }, found.label), ...cards, h("p", { class: "soft" }, found.legend),
    h("p", { class: "soft" }, t("rests"), traced(t("rests-model"), found.model), " · ", traced(t("rests-bar"), found.session, found.ts_code)),
    h("p", { class: "soft" }, found.operator ? `${found.risk_statement} (${found.operator})` : found.risk_statement)];
}
