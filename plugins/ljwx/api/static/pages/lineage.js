// Where a thing came from and what became of it: a graph from a served answer to its bars, and to the runs that made them.

import { get, needsLogin } from "../api.js";
import { h, notice } from "../dom.js";
import { add, said, t } from "../i18n.js";

add({
  zh: {
    "line-hint": "模型、数据集、样本;行情写作 2026-06-30/000001.SZ,预测记录的回答写作 2026-06-30/000001.SZ/price_direction/模型", "line-name": "名称", "line-show": "追溯",
    "line-from": "由什么得来", "line-used": "用到了哪里", "line-more": "另有 {n} 个", "line-run": "在 Airflow 中打开这次运行",
    "kind-model": "模型", "kind-training": "训练", "kind-dataset": "数据集", "kind-sample": "样本", "kind-run": "运行", "kind-evaluation": "评估", "kind-decision": "裁决", "kind-question set": "题集",
    "kind-bars": "行情", "kind-index": "指数成分", "kind-answer": "回答", "kind-snapshot": "快照", "kind-rule": "规则", "kind-base": "基座", "kind-record": "记录", "kind-outcome": "结果", "kind-bar": "日线", "kind-revision": "修订", "kind-answers": "引用它的回答",
    "fact-digest": "摘要", "fact-strategy": "方法", "fact-base": "基座", "fact-spec": "配方", "fact-created": "造成", "fact-deleted": "删除", "fact-served as": "身份", "fact-said": "判断", "fact-answered": "回答于", "fact-late": "迟到",
    "fact-sealed": "封存", "fact-deadline": "期限", "fact-rows": "行数", "fact-sessions": "交易日", "fact-from": "从", "fact-to": "到", "fact-samples": "样本数", "fact-run_id": "运行编号", "fact-verdict": "裁决", "fact-against": "对", "fact-as": "作为", "fact-decided": "裁决于", "fact-because": "因为",
    "fact-session": "交易日", "fact-line": "配方线", "fact-label": "类别", "fact-task": "问题", "fact-ts_code": "股票", "fact-excess": "超额", "fact-revision": "修订", "fact-newest revision": "最新修订", "fact-reason": "缘由", "fact-says": "用途", "fact-answers": "回答数", "fact-valid": "有效", "fact-split": "切分", "fact-questions": "题数", "fact-first seen": "首见", "fact-superseded": "被取代", "fact-folder": "目录", "fact-verified": "验证",
    "fact-job": "任务目录", "fact-base weights": "基座权重", "fact-adapter": "适配器", "fact-weights": "权重", "fact-started": "开始", "fact-finished": "结束", "fact-question set": "题集", "fact-code version": "代码版本",
  },
  en: {
    "line-hint": "A model, dataset or sample; a bar as 2026-06-30/000001.SZ, an answer of the forward record as 2026-06-30/000001.SZ/price_direction/MODEL", "line-name": "Name", "line-show": "Trace",
    "line-from": "Where it came from", "line-used": "What used it", "line-more": "{n} more", "line-run": "Open this run in Airflow",
  },
});

const FIRST = 8; // neighbours that are shown at once
const AIRFLOW = document.querySelector("meta[name=airflow]")?.content;
const CODE = /^\d{4}-\d\d-\d\d\/(\d{6}\.[A-Z]{2})/;
const word = (prefix, key) => { const found = t(`${prefix}-${key}`); return found === `${prefix}-${key}` ? key : found; };
const traced = (name) => `#/lineage/${name.split("/").map(encodeURIComponent).join("/")}`;

export async function show(main, rest, signal) {
  const name = rest.join("/") || "champion";
  const head = [h("h1", {}, t("page-lineage")), form(name)];
  let found;
  try {
    found = await get(`lineage/${name.split("/").map(encodeURIComponent).join("/")}`, signal);
  } catch (error) {
    if (error.name === "AbortError" || needsLogin(error) || !error.status || error.status >= 500) throw error;
    return main.replaceChildren(...head, notice(said(error), true));
  }
  const root = { name: found.name, code: CODE.exec(found.name)?.[1] ?? found.facts.ts_code };
  const shown = card(found, root, true);
  main.replaceChildren(...head, side("line-from", found.made_from, root, shown), found.used_by.length ? side("line-used", found.used_by, root) : "");
}

function form(name) {
  const input = h("input", { type: "text", id: "name", value: name, maxlength: "200", spellcheck: "false", "aria-describedby": "name-hint", required: true });
  const go = (event) => {
    event.preventDefault();
    location.hash = traced(input.value.trim());
  };
  return h("form", { submit: go }, h("div", { class: "row" }, h("label", { for: "name" }, t("line-name")), h("span", { class: "wide" }, input), h("button", { class: "main" }, t("line-show"))),
    h("p", { class: "soft", id: "name-hint" }, t("line-hint")));
}

/** One side of the graph as lists within lists, which stay readable where no line can be seen. */
function side(title, nodes, root, shown) {
  const below = branches(nodes, root);
  return h("section", {}, h("h2", {}, t(title)), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t(title) },
    h("ul", { class: "tree" }, shown ? h("li", {}, shown, nodes.length ? h("ul", {}, below) : null) : below)));
}

function branches(nodes, root) {
  const shown = nodes.slice(0, FIRST).map((node) => branch(node, root));
  const rest = nodes.slice(FIRST);
  return rest.length ? [...shown, h("li", {}, h("details", {}, h("summary", {}, t("line-more", { n: rest.length })), h("ul", {}, rest.map((node) => branch(node, root)))))] : shown;
}

function branch(node, root) {
  const below = [...node.made_from, ...node.used_by];
  return h("li", {}, card(node, root, false), below.length ? h("ul", {}, branches(below, root)) : null);
}

function card(node, root, isRoot) {
  const facts = Object.entries(node.facts).filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && !value.length));
  const name = node.run ? `${node.run.dag_id}.${node.run.task_id}` : node.name;
  return h("div", { class: isRoot ? "node root" : "node" }, h("span", { class: "soft" }, word("kind", node.kind)), " ", linked(node, short(name), root, isRoot),
    facts.length ? h("dl", {}, facts.map(([key, value]) => h("div", {}, h("dt", {}, word("fact", key)), h("dd", { title: plain(value) }, short(plain(value)))))) : null);
}

/** A digest by its first digits; the whole is told where one points at it. */
const short = (text) => (/^[0-9a-z]{40,}$/.test(text) ? `${text.slice(0, 12)}…` : text);

function plain(value) {
  if (typeof value === "boolean") return value ? "✓" : "✗";
  if (typeof value === "number") return String(Math.round(1e4 * value) / 1e4);
  if (typeof value === "object") return Object.entries(value).map(([key, each]) => `${t(key)} ${plain(each)}`).join(", ");
  return /^\d{4}-\d\d-\d\d[T ]\d\d:/.test(value) ? new Date(value).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }).slice(0, 16) : String(value);
}

function linked(node, name, root, isRoot) {
  const href = node.run ? runOf(node.run) : placeOf(node, root, isRoot);
  if (!href) return h("strong", {}, name);
  return h("a", { href, target: node.run ? "_top" : null, title: node.run ? t("line-run") : node.name }, name);
}

/** Where Airflow shows a run; nothing where the page stands alone, or no DAG ran. */
function runOf({ dag_id, run_id, task_id, map_index }) {
  if (!AIRFLOW || !dag_id.startsWith("ljwx_")) return null;
  const task = `${AIRFLOW}dags/${encodeURIComponent(dag_id)}/runs/${encodeURIComponent(run_id)}/tasks/${encodeURIComponent(task_id)}`;
  return map_index < 0 ? task : `${task}/mapped/${map_index}`;
}

function placeOf({ kind, name }, root, isRoot) {
  if (["model", "dataset", "sample", "bar"].includes(kind) && !isRoot) return traced(name);
  if (kind === "answer" && !isRoot) return traced(CODE.test(name) ? name : name.split("/").at(-1));
  if (["answer", "bar", "sample", "snapshot"].includes(kind)) return root.code ? `#/analysis/${root.code}` : null;
  if (["model", "training", "evaluation", "decision", "question set"].includes(kind)) return "#/models";
  if (["record", "outcome", "rule", "base", "answers"].includes(kind)) return "#/record";
  return "#/data"; // bars, revision, index, dataset
}
