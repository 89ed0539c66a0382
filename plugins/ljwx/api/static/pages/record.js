// What such calls were worth: skill over time, reliability, order of stocks, and what the answers would have earned.

import { get } from "../api.js";
import { colour, draw, loadAhead } from "../charts.js";
import { h, notice, table } from "../dom.js";
import { add, number, percent, t } from "../i18n.js";

add({
  zh: {
    "record-intro": "模型在结果出现之前给出的回答,事后逐日核对。{first} 起 {batches} 个交易日,结果到 {last};缺 {gaps} 日,迟到 {late} 条,待结果 {open} 条。",
    "no-record": "还没有预测记录。DAG ljwx_forward 每晚生成一条;第一批结果要等到持有期结束。", "no-settled": "已有回答,结果还没有到期。",
    "model": "模型", "pick": "模型与问题", "skill": "比历史频率多知道多少(每题,奈特)", "skill-hint": "高于 0 才算有本事;阴影是任何一天看都成立的 95% 范围。范围含 0 时,什么也没有证明。",
    "skill-label": "{model} 在{task}上的技能:到 {session} 为 {mean},范围 {low} 至 {high}", "no-skill": "没有可比的场次。",
    "ic": "排序能力(RankIC)", "ic-label": "{model} 的 RankIC:到 {session} 为 {mean},范围 {low} 至 {high}", "no-ic": "这个问题不给股票排序,或每日股票太少。",
    "reliability": "说的可能性与实际一致吗", "reliability-label": "可靠性图,共 {n} 组;点在虚线上即一致", "said-chance": "模型说的可能性", "came-share": "实际发生的比例",
    "bounds": "每个范围单独以 95% 的把握成立,无论看多少次。", "net": "扣除成本后的模拟净值", "net-hint": "由回答和日线模拟,没有人真的这样交易,不构成投资建议。未计:下单对价格的影响(滑点以外)、开盘收盘以外的成交价、股息税、现金利息;退市股票按最后价格计。", "net-label": "模拟净值:模型 {curve},同样股票的市场平均 {market}", "market": "市场平均", "index-of": "指数 {index_code}", "index-is": "指数 {index_code} 从首次回答当日收盘算起,为价格指数,不含分红,不扣成本。", "no-index": "没有指数可比:所需的收盘没有入库。", "no-net": "还没有可模拟的场次,或这个问题不给股票排序。",
    "sessions": "交易日", "answers": "回答", "valid": "有效", "hits": "命中率", "range": "95% 范围", "log": "对数得分", "brier": "Brier", "ece": "校准误差",
    "annual": "年化", "excess": "年化超额", "change": "模拟收益", "market-change": "同期市场平均", "index-change": "同期指数", "drawdown": "最大回撤", "turnover": "年换手(倍)", "tried": "试过的配方", "numbers": "数字", "answered-of": "{answered}/{asked}",
  },
  en: {
    "record-intro": "Answers that were given before the outcome existed, held against it session by session. Sessions from {first}: {batches}, known until {last}; gaps: {gaps}, late answers: {late}, waiting for their outcome: {open}.",
    "no-record": "There is no forward record yet. The DAG ljwx_forward adds a session each night; outcomes come when the horizon is over.", "no-settled": "There are answers, and no outcome yet.",
    "model": "Model", "pick": "Model and question", "skill": "More than class rates know (per question, nats)", "skill-hint": "Above 0 is skill; the band holds with 95 % on whichever day one looks. While it holds 0, nothing is shown.",
    "skill-label": "Skill of {model} on {task}: {mean} at {session}, between {low} and {high}", "no-skill": "There is no session to compare.",
    "ic": "Order of stocks (RankIC)", "ic-label": "RankIC of {model}: {mean} at {session}, between {low} and {high}", "no-ic": "This question orders no stocks, or its sessions have too few.",
    "reliability": "Are its chances what comes true?", "reliability-label": "Reliability, groups: {n}; on the dashed line they agree", "said-chance": "chance the model gave", "came-share": "share that came true",
    "bounds": "Each of the bounds holds with 95 % by itself, however often one looks.", "net": "Simulated value after costs", "net-hint": "Simulated from answers and daily bars; nobody traded it, and it is no advice. It leaves out how orders move the price beyond the slippage, trades at other prices than open and close, taxes on dividends, and interest on cash; a delisted stock keeps its last price.", "net-label": "Simulated value: model {curve}, market of the same stocks {market}", "market": "market", "index-of": "index {index_code}", "index-is": "The index {index_code} counts from its close on the evening of the first answer. It is a price index: dividends are not in it, and no costs are taken from it.", "no-index": "No index beside it: the closes it takes are not stored.", "no-net": "There is no session to simulate, or this question orders no stocks.",
    "sessions": "Sessions", "answers": "Answers", "valid": "Valid", "hits": "Hit rate", "range": "95 % bounds", "log": "Log score", "brier": "Brier", "ece": "Calibration error",
    "annual": "A year", "excess": "Excess a year", "change": "Simulated return", "market-change": "Market meanwhile", "index-change": "Index meanwhile", "drawdown": "Drawdown", "turnover": "Turnover (times a year)", "tried": "Recipes tried", "numbers": "Numbers", "answered-of": "{answered}/{asked}",
  },
});

const YEAR = 242; // sessions; what fewer of them would be a year says nothing

export async function show(main, _rest, signal) {
  loadAhead();
  let found;
  try {
    found = await get("record", signal);
  } catch (error) {
    if (error.kind !== "not_found") throw error;
    return main.replaceChildren(h("h1", {}, t("page-record")), notice(t("no-record")));
  }
  const head = [h("h1", {}, t("page-record")), h("p", {}, t("record-intro", found))];
  if (!found.courses.length) return main.replaceChildren(...head, notice(t("no-settled")));
  const body = h("div", {});
  const select = h("select", { id: "course", change: () => fill(body, found.courses[select.value]) },
    found.courses.map((each, n) => h("option", { value: n }, `${each.answerer} · ${t(each.task)} · ${each.horizon}d`)));
  main.replaceChildren(...head, h("div", { class: "row" }, h("label", { for: "course" }, t("pick")), select), body);
  await fill(body, found.courses[0]);
}

async function fill(body, course) {
  const about = (at) => ({ model: course.answerer, task: t(course.task), session: at.session, mean: number(at.mean), low: number(at.low), high: number(at.high) });
  const charts = [];
  const part = (title, hint, empty, label, make) => {
    const chart = h("div", { class: "chart low" });
    if (!empty) charts.push([chart, label, make]);
    return h("section", {}, h("h2", {}, title), hint ? h("p", { class: "soft" }, hint) : null, empty ? h("p", { class: "soft" }, empty) : chart);
  };
  const skill = course.skill.at(-1), ic = course.rank_ic.at(-1), earned = course.earned;
  body.replaceChildren(
    numbers(course),
    part(t("skill"), t("skill-hint"), skill ? null : t("no-skill"), skill && t("skill-label", about(skill)), () => band(course.skill)),
    part(t("ic"), null, ic ? null : t("no-ic"), ic && t("ic-label", about(ic)), () => band(course.rank_ic)),
    part(t("reliability"), null, course.reliability.length ? null : t("no-skill"), t("reliability-label", { n: course.reliability.length }), () => reliable(course.reliability)),
    part(t("net"), earned ? `${t("net-hint")} ${t(earned.index ? "index-is" : "no-index", earned)}` : null, earned ? null : t("no-net"),
      earned && t("net-label", { curve: number(earned.curve.at(-1)), market: number(earned.market.at(-1)) }), () => net(earned)),
    h("p", { class: "soft" }, t("bounds")));
  await Promise.all(charts.map(([chart, label, make]) => draw(chart, label, make)));
}

function numbers({ score, earned }) {
  const rows = [];
  if (score) rows.push(["sessions", score.sessions], ["answers", t("answered-of", score)], ["valid", score.valid],
    ["hits", percent(score.hit_rate)], ["range", `${percent(score.hit_low)} – ${percent(score.hit_high)}`],
    ["log", number(score.log_score)], ["brier", number(score.brier)], ["ece", number(score.ece)]);
  if (earned) rows.push(["change", percent(earned.curve.at(-1) - 1)], ["market-change", percent(earned.market.at(-1) - 1)],
    ...(earned.index ? [["index-change", percent(earned.index.at(-1) - 1)]] : []), ["drawdown", percent(earned.drawdown)], ["turnover", number(earned.turnover, 1)], ["tried", earned.recipes_tried]);
  if (earned?.sessions.length >= YEAR) rows.push(["annual", percent(earned.annual)], ["excess", percent(earned.excess)]);
  return h("section", {}, h("h2", {}, t("numbers")), h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, String(value))))));
}

function band(points) {
  const x = points.map((each) => each.session);
  const edge = (key, more) => ({ type: "scatter", mode: "lines", x, y: points.map((each) => each[key]), line: { width: 0.5, color: colour("--a") }, showlegend: false, hoverinfo: "skip", ...more });
  const mean = { type: "scatter", mode: "lines+markers", name: "", x, y: points.map((each) => each.mean), line: { color: colour("--a"), width: 2 }, marker: { size: 5 }, showlegend: false,
    customdata: points.map((each) => [each.low, each.high]), hovertemplate: "%{y:.3f} (%{customdata[0]:.3f} – %{customdata[1]:.3f})<extra></extra>" };
  return { traces: [edge("low", {}), edge("high", { fill: "tonexty", fillcolor: `${colour("--a")}33` }), mean], layout: { xaxis: { type: "date" }, yaxis: { zeroline: true, zerolinewidth: 1.5 } } };
}

function reliable(bins) {
  const line = { type: "scatter", mode: "lines", x: [0, 1], y: [0, 1], line: { dash: "dash", color: colour("--soft"), width: 1 }, hoverinfo: "skip", showlegend: false };
  const most = Math.max(...bins.map((each) => each.n));
  const points = { type: "scatter", mode: "markers", x: bins.map((each) => each.confidence), y: bins.map((each) => each.accuracy), showlegend: false,
    marker: { color: colour("--a"), size: bins.map((each) => 7 + 15 * Math.sqrt(each.n / most)), opacity: 0.85 },
    text: bins.map((each) => `n = ${each.n}`), hovertemplate: "%{x:.2f} → %{y:.2f}, %{text}<extra></extra>" };
  return { traces: [line, points], layout: { hovermode: "closest", xaxis: { range: [0, 1.03], title: { text: t("said-chance") } }, yaxis: { range: [-0.03, 1.06], title: { text: t("came-share") } } } };
}

function net(earned) {
  const curve = (name, y, ink, dash) => ({ type: "scatter", mode: "lines", name, x: earned.sessions, y, line: { color: colour(ink), width: 2, dash } });
  return { traces: [curve(t("model"), earned.curve, "--a", "solid"), curve(t("market"), earned.market, "--b", "dash"), ...(earned.index ? [curve(t("index-of", earned), earned.index, "--c", "dot")] : [])], layout: { xaxis: { type: "date" } } };
}
