// What of the market is there: each session's state, what fills the gaps, what was refused, and how far each table reaches.

import { get } from "../api.js";
import { h, notice, table } from "../dom.js";
import { add, t } from "../i18n.js";

add({
  zh: {
    "data-intro": "{first} 至 {last} 的交易日,共 {n} 个。", "data-none": "还没有采集过行情。请运行 DAG ljwx_daily_ingest;指定日期的命令:",
    "data-source": "数据源:{source}", "data-year": "年份", "data-heat": "{year} 年每个交易日的状态", "data-pick": "把指针移到格子上,或点选不完整的日子,看它缺什么。",
    "data-complete": "完整", "data-late": "迟到", "data-incomplete": "不完整", "data-missing": "缺失",
    "data-late-hint": "“迟到”指下一交易日开盘后才完整:预测记录用不上它。仓库建立以前补采的历史不算迟到。",
    "data-day": "{session}:{state},应有 {expected} 只,收到 {received},缺 {missing},隔离 {quarantined} 行", "data-day-missing": "{session}:从未采集", "data-lacks": ";数据源未提供 {lacks}",
    "data-gaps": "缺口与补法", "data-no-gaps": "没有缺口。", "data-kind": "缺口", "data-from": "从", "data-to": "到", "data-sessions": "交易日", "data-what": "缺什么", "data-command": "补救命令",
    "data-gap-missing": "缺失", "data-gap-incomplete": "不完整", "data-gap-deferred": "因限额未取", "data-gap-facts": "事实表未到齐", "data-gap-features": "指标待计算", "data-gap-behind": "最新一日之后尚未采集", "data-gap-record": "预测记录缺这些日子",
    "data-no-way": "无法补:事后不能再预测", "data-stocks": "只股票", "data-quarantine": "隔离的行,按原因", "data-no-quarantine": "没有被拒绝的行。", "data-reason": "原因", "data-rows": "行",
    "data-interfaces": "数据源各接口", "data-interface": "接口", "data-there": "有它的交易日", "data-deferred": "因限额暂缺", "data-without": "最近一次缺它",
    "data-groups": "特征组", "data-group": "特征组", "data-used": "在用", "data-newest": "最新", "data-yes": "是", "data-no": "否", "data-groups-hint": "有自己的表的特征组只数最近 {n} 个完整的交易日。",
    "data-trade_cal": "交易日历", "data-stock_basic": "股票列表", "data-namechange": "曾用名", "data-adj_factor": "复权因子", "data-stk_limit": "涨跌停价", "data-suspend_d": "停复牌", "data-amount": "成交额", "data-pre_close": "昨收价",
    "data-technical": "技术指标", "data-market": "全市场", "data-index": "指数", "data-valuation": "估值", "data-money_flow": "资金流向", "data-fundamentals": "财务", "data-months": "月",
  },
  en: {
    "data-intro": "Trading days from {first} to {last}: {n}.", "data-none": "Nothing was ingested yet. Run the DAG ljwx_daily_ingest; for certain dates:",
    "data-source": "The source {source}", "data-year": "Year", "data-heat": "State of each trading day of {year}", "data-pick": "Point at a day, or choose one that is not complete, to see what it lacks.",
    "data-complete": "complete", "data-late": "late", "data-incomplete": "incomplete", "data-missing": "missing",
    "data-late-hint": "Late: complete only after the next session had opened, so that the forward record could not rest on it. History from before the warehouse was there is not late.",
    "data-day": "{session}: {state}, {expected} expected, {received} received, {missing} missing, {quarantined} in quarantine", "data-day-missing": "{session}: never fetched", "data-lacks": "; its source did not give {lacks}",
    "data-gaps": "Gaps, and what fills them", "data-no-gaps": "There is no gap.", "data-kind": "Gap", "data-from": "From", "data-to": "To", "data-sessions": "Sessions", "data-what": "Lacks", "data-command": "Command that fills it",
    "data-gap-missing": "missing", "data-gap-incomplete": "incomplete", "data-gap-deferred": "left out for a limit", "data-gap-facts": "table of facts is short", "data-gap-features": "wait for their features", "data-gap-behind": "after the newest session", "data-gap-record": "not in the forward record",
    "data-no-way": "nothing: what is past cannot be foretold", "data-stocks": "stocks", "data-quarantine": "Rows in quarantine, by reason", "data-no-quarantine": "No row was refused.", "data-reason": "Reason", "data-rows": "Rows",
    "data-interfaces": "Interfaces of the source", "data-interface": "Interface", "data-there": "Sessions with it", "data-deferred": "Left out for a limit", "data-without": "Newest without it",
    "data-groups": "Feature groups", "data-group": "Group", "data-used": "In use", "data-newest": "Newest", "data-yes": "yes", "data-no": "no", "data-groups-hint": "Of a group with a table of its own only the newest complete sessions are counted, at most {n}.",
    "data-trade_cal": "calendar", "data-stock_basic": "list of stocks", "data-namechange": "former names", "data-adj_factor": "factors", "data-stk_limit": "limit prices", "data-suspend_d": "suspensions", "data-amount": "amounts", "data-pre_close": "previous closes",
    "data-technical": "technical", "data-market": "whole market", "data-index": "index", "data-valuation": "valuation", "data-money_flow": "money flow", "data-fundamentals": "fundamentals", "data-months": "Month",
  },
});

const STATES = ["complete", "late", "incomplete", "missing"];
const SIGNS = { complete: "", late: "◔", incomplete: "!", missing: "×" };
const INGEST = `airflow dags trigger ljwx_daily_ingest --conf '{"start_date": "YYYY-MM-DD", "end_date": "YYYY-MM-DD"}'`;

export async function show(main, _rest, signal) {
  const found = await get("coverage", signal);
  const head = [h("h1", {}, t("page-data"))];
  if (found.source) head.push(h("p", { class: "soft" }, t("data-source", found)));
  if (!found.years.length) return main.replaceChildren(...head, notice(t("data-none")), h("p", {}, code(INGEST)));
  const n = Object.values(found.states).reduce((sum, each) => sum + each, 0);
  const heat = h("div", {});
  const select = h("select", { id: "year", change: async () => fill(heat, await get(`coverage?year=${select.value}`, signal)) },
    found.years.map((year) => h("option", { value: year }, String(year))));
  main.replaceChildren(...head, h("p", {}, t("data-intro", { ...found, n })), counts(found.states),
    h("div", { class: "row" }, h("label", { for: "year" }, t("data-year")), select), heat,
    h("p", { class: "soft" }, t("data-late-hint")), gaps(found.gaps), quarantine(found.refused), interfaces(found.interfaces), groups(found.groups));
  fill(heat, found);
}

const code = (text) => h("code", {}, text);
const listed = (names) => names.map((name) => t(`data-${name}`).replace(/^data-/, "")).join(", ");

function counts(states) {
  return h("ul", { class: "legend" }, STATES.map((state) => h("li", {},
    h("span", { class: `day ${state}`, "aria-hidden": "true" }, SIGNS[state]), ` ${t(`data-${state}`)} ${states[state] ?? 0}`)));
}

function about(day) {
  if (day.state === "missing") return t("data-day-missing", day);
  const lacks = day.lacking.length ? t("data-lacks", { lacks: listed(day.lacking) }) : "";
  return t("data-day", { ...day, state: t(`data-${day.state}`) }) + lacks;
}

function fill(heat, found) {
  const told = h("p", { class: "soft", role: "status" }, t("data-pick"));
  const say = (day) => () => { told.textContent = about(day); };
  const known = new Map(found.days.map((day) => [day.session, day]));
  const two = (number) => String(number).padStart(2, "0");
  const cell = (month, date) => {
    const day = known.get(`${found.year}-${two(month)}-${two(date)}`);
    if (!day) return h("td", {});
    if (day.state === "complete") return h("td", { class: "day complete", title: about(day), mouseenter: say(day) }, h("span", { class: "hidden" }, t("data-complete")));
    return h("td", { class: `day ${day.state}`, title: about(day), mouseenter: say(day) },
      h("button", { type: "button", "aria-label": about(day), click: say(day), focus: say(day) }, SIGNS[day.state]));
  };
  const all = Array.from({ length: 31 }, (_, at) => at + 1);
  const months = Array.from({ length: 12 }, (_, at) => at + 1);
  heat.replaceChildren(h("table", { class: "heat" }, h("caption", {}, t("data-heat", found)),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "hidden" }, t("data-months"))),
      all.map((date) => h("th", { scope: "col" }, date % 5 === 1 ? String(date) : h("span", { class: "hidden" }, String(date)))))),
    h("tbody", {}, months.map((month) => h("tr", {}, h("th", { scope: "row" }, two(month)), all.map((date) => cell(month, date)))))), told);
}

const part = (title, empty, ...content) => h("section", {}, h("h2", {}, title), empty ? h("p", { class: "soft" }, empty) : content);

function gaps(found) {
  const heads = ["kind", "from", "to", "sessions", "what", "command"].map((each) => t(`data-${each}`));
  const rows = found.map((each) => [t(`data-gap-${each.kind}`), each.first, each.last, each.sessions, listed(each.lacks) || null,
    each.command ? code(each.command) : t("data-no-way")]);
  return part(t("data-gaps"), found.length ? null : t("data-no-gaps"), table(t("data-gaps"), heads, rows));
}

function quarantine(found) {
  const heads = ["reason", "rows", "sessions", "from", "to"].map((each) => t(`data-${each}`));
  const rows = found.map((each) => [each.reason, each.rows, each.sessions, each.first, each.last]);
  return part(t("data-quarantine"), found.length ? null : t("data-no-quarantine"), table(t("data-quarantine"), heads, rows));
}

function interfaces(found) {
  const heads = ["interface", "there", "deferred", "without"].map((each) => t(`data-${each}`));
  const rows = found.map((each) => [`${listed([each.name])} (${each.name})`, `${each.sessions}/${each.of}`, each.deferred, each.newest_without]);
  return part(t("data-interfaces"), null, table(t("data-interfaces"), heads, rows));
}

function groups(found) {
  const heads = ["group", "used", "there", "newest"].map((each) => t(`data-${each}`));
  const rows = found.map((each) => [listed([each.name]), t(each.in_use ? "data-yes" : "data-no"), `${each.sessions}/${each.of}`, each.newest]);
  return part(t("data-groups"), null, h("p", { class: "soft" }, t("data-groups-hint", { n: 60 })), table(t("data-groups"), heads, rows));
}
