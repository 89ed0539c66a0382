// Who serves and who challenges, what was decided and why, scores over time, how trainings went, and two models compared.

import { get } from "../api.js";
import { colour, draw } from "../charts.js";
import { h, notice, table } from "../dom.js";
import { add, number, percent, said, t } from "../i18n.js";

add({
  zh: {
    "models-none": "还没有模型。DAG ljwx_model_build 会从数据集造出第一个。", "models-champion": "冠军", "models-challenger": "挑战者", "models-previous": "上一任冠军",
    "models-nobody": "空缺", "models-proven": "已证明有效", "models-unproven": "尚未证明", "models-failing": "表现失常:{failing}", "models-made": "{strategy},基座 {base},{day} 造成",
    "models-lineage": "来历", "models-all": "所有模型", "models-model": "模型", "models-alias": "身份", "models-strategy": "方法", "models-built": "造成", "models-verdict": "最近裁决", "models-deleted": "已删除",
    "models-scores": "历次成绩", "models-part": "问题", "models-measure": "指标", "models-accuracy": "准确率", "models-brier": "Brier(越小越好)", "models-ece": "校准误差(越小越好)", "models-rank_ic": "RankIC",
    "models-overall": "全部问题", "models-rival": "最强对手", "models-scores-label": "{n} 个模型的{measure};最新 {model} 为 {value},其最强对手 {rival} 为 {other}", "models-no-scores": "还没有评过分的模型,或这个问题没有这个指标。",
    "models-scores-hint": "每个模型在自己的验证题上;各次的题目不同,只能大致相比。竖线为 95% 区间。",
    "models-decisions": "裁决与理由", "models-no-decisions": "还没有裁决。", "models-against": "对 {against}", "models-reasons": "理由 {n} 条",
    "models-promoted": "晋升", "models-kept_champion": "冠军留任", "models-first_champion": "首任冠军", "models-retrained": "更新留任", "models-rejected": "未达标", "models-refused": "未通过验证", "models-rolled_back": "回退",
    "models-curves": "训练的损失曲线", "models-no-curves": "没有训练过权重:方法 prompt 与 fewshot 不训练。", "models-training": "训练", "models-step": "步", "models-loss": "训练损失", "models-look": "未见样本的损失",
    "models-curve-label": "{name} 的损失:第 {first} 步 {from},第 {last} 步 {to}", "models-best": "采用第 {best_step} 步的权重,共 {steps} 步。",
    "models-compare": "比较两个模型", "models-first": "第一个", "models-second": "第二个", "models-do": "比较", "models-comparing": "比较中…", "models-common": "两者都答过的 {questions} 题({question_set_id}),差的区间为 {confidence}。",
    "models-questions": "题数", "models-difference": "差", "models-range": "区间", "models-sessions": "交易日", "models-rates": "历史频率", "models-one": "只有一个模型,没有可比的。", "models-right": "支持", "models-wrong": "反对",
  },
  en: {
    "models-none": "There is no model yet. The DAG ljwx_model_build makes the first from a dataset.", "models-champion": "Champion", "models-challenger": "Challenger", "models-previous": "Previous champion",
    "models-nobody": "nobody", "models-proven": "proven", "models-unproven": "not proven yet", "models-failing": "failing: {failing}", "models-made": "{strategy}, base {base}, built {day}",
    "models-lineage": "where it comes from", "models-all": "All models", "models-model": "Model", "models-alias": "Is", "models-strategy": "Strategy", "models-built": "Built", "models-verdict": "Newest verdict", "models-deleted": "deleted",
    "models-scores": "Scores over time", "models-part": "Question", "models-measure": "Measure", "models-accuracy": "accuracy", "models-brier": "Brier (less is better)", "models-ece": "calibration error (less is better)", "models-rank_ic": "RankIC",
    "models-overall": "all questions", "models-rival": "best rival", "models-scores-label": "{measure}, models: {n}; the newest, {model}, has {value}, its best rival {rival} {other}", "models-no-scores": "No model was scored yet, or this question has no such measure.",
    "models-scores-hint": "Each model on validation questions of its own time: they differ, so scores compare roughly. Bars are 95 % intervals.",
    "models-decisions": "Decisions and their reasons", "models-no-decisions": "Nothing was decided yet.", "models-against": "against {against}", "models-reasons": "reasons: {n}",
    "models-promoted": "promoted", "models-kept_champion": "champion kept", "models-first_champion": "first champion", "models-retrained": "retrained", "models-rejected": "rejected", "models-refused": "refused by its verification", "models-rolled_back": "rolled back",
    "models-curves": "Loss curves", "models-no-curves": "No weights were trained: the strategies prompt and fewshot train none.", "models-training": "Training", "models-step": "step", "models-loss": "training loss", "models-look": "loss on unseen samples",
    "models-curve-label": "Loss of {name}: {from} at step {first}, {to} at step {last}", "models-best": "The weights of step {best_step} of {steps} are served.",
    "models-compare": "Compare two models", "models-first": "First", "models-second": "Second", "models-do": "Compare", "models-comparing": "Comparing…", "models-common": "Questions that both have answered: {questions} ({question_set_id}); differences with {confidence} bounds.",
    "models-questions": "Questions", "models-difference": "Difference", "models-range": "Bounds", "models-sessions": "Sessions", "models-rates": "Class rates", "models-one": "There is one model, and nothing to compare it with.", "models-right": "for it", "models-wrong": "against it",
  },
});

const MEASURES = ["accuracy", "brier", "ece", "rank_ic"];
const LESS_IS_BETTER = new Set(["brier", "ece"]);
const ROLES = ["champion", "challenger", "previous"];
const word = (key) => { const found = t(`models-${key}`); return found.startsWith("models-") ? t(key) : found; };
const day = (moment) => (moment ?? "").slice(0, 10);
const lineage = (name, text) => h("a", { href: `#/lineage/${encodeURIComponent(name)}` }, text ?? name);
const part = (title, ...content) => h("section", {}, h("h2", {}, title), content);
const choice = (id, label, names, shown, change) => [h("label", { for: id }, t(label)),
  h("select", { id, change }, names.map((name, n) => h("option", { value: name }, shown(name, n))))];

export async function show(main, _rest, signal) {
  const [models, decisions, scores, trainings] = await Promise.all(
    ["models", "decisions", "scores", "trainings"].map((route) => get(route, signal)));
  const head = h("h1", {}, t("page-models"));
  if (!models.length) return main.replaceChildren(head, notice(t("models-none")));
  const scored = scoring(scores), trained = training(trainings);
  main.replaceChildren(head, h("div", { class: "cards" }, ROLES.map((role) => card(role, models.find((each) => each.aliases.includes(role))))),
    scored.element, deciding(decisions), trained.element, comparing(models, signal), listing(models));
  await Promise.all([scored.draw(), trained.draw()]);
}

function card(role, model) {
  const title = h("h2", {}, t(`models-${role}`));
  if (!model) return h("section", { class: "card" }, title, h("p", { class: "soft" }, t("models-nobody")));
  const state = model.failing ? h("p", { class: "wrong" }, t("models-failing", model))
    : h("p", { class: model.proven ? "right" : "soft" }, t(model.proven ? "models-proven" : "models-unproven"));
  return h("section", { class: "card" }, title, h("p", {}, h("strong", {}, model.model)),
    h("p", { class: "soft" }, t("models-made", { ...model, day: day(model.created_at) })), state, h("p", {}, lineage(model.model, t("models-lineage"))));
}

function listing(models) {
  const heads = ["model", "alias", "strategy", "built", "verdict"].map((each) => t(`models-${each}`));
  const rows = models.map((each) => [lineage(each.model), each.aliases.map((alias) => t(`models-${alias}`)).join(", ") || (each.deleted_at ? t("models-deleted") : null),
    each.strategy, day(each.created_at), each.verdict ? word(each.verdict) : null]);
  return part(t("models-all"), table(t("models-all"), heads, rows));
}

function deciding(decisions) {
  if (!decisions.length) return part(t("models-decisions"), h("p", { class: "soft" }, t("models-no-decisions")));
  return part(t("models-decisions"), decisions.map((each) => h("details", { class: "card" },
    h("summary", {}, h("strong", {}, word(each.verdict)), ` · ${each.model} `, each.against ? t("models-against", each) : null,
      h("span", { class: "soft" }, ` · ${day(each.decided_at)} · ${t("models-reasons", { n: each.reasons.length })}`)),
    h("ul", { class: "reasons" }, each.reasons.map((reason) => h("li", { lang: "en" },
      h("span", { class: reason.favourable ? "right" : "wrong", role: "img", "aria-label": t(reason.favourable ? "models-right" : "models-wrong") }, reason.favourable ? "✓" : "✗"), ` ${reason.text}`))))));
}

function scoring(scores) {
  const parts = [...new Set(scores.map((each) => each.part))].sort((a, b) => (b === "overall") - (a === "overall"));
  const holder = h("div", {});
  const paint = async () => {
    const points = pointsOf(scores, select("part"), select("measure"));
    const chart = h("div", { class: "chart low" });
    holder.replaceChildren(points.length ? chart : h("p", { class: "soft" }, t("models-no-scores")));
    if (points.length) await draw(chart, summary(points, select("measure")), () => picture(points));
  };
  const row = h("div", { class: "row" }, ...choice("part", "models-part", parts, word, () => paint()), ...choice("measure", "models-measure", MEASURES, word, () => paint()));
  const select = (id) => row.querySelector(`#${id}`).value;
  return { element: part(t("models-scores"), h("p", { class: "soft" }, t("models-scores-hint")), scores.length ? row : null, holder), draw: paint };
}

/** Of each model its own score on a part, and that of its best rival. */
function pointsOf(scores, wanted, measure) {
  const better = (a, b) => (LESS_IS_BETTER.has(measure) ? a[measure] - b[measure] : b[measure] - a[measure]);
  const known = scores.filter((each) => each.part === wanted && each[measure] !== null);
  return known.filter((each) => each.answerer === "model").map((own) => ({
    model: own.model, at: own.created_at, value: own[measure], low: measure === "accuracy" ? own.low : null, high: measure === "accuracy" ? own.high : null,
    rival: known.filter((each) => each.model === own.model && each.answerer !== "model").sort(better)[0], measure,
  }));
}

function summary(points, measure) {
  const last = points.at(-1);
  return t("models-scores-label", { n: points.length, measure: word(measure), model: last.model, value: number(last.value),
    rival: last.rival?.answerer ?? "–", other: number(last.rival?.[measure]) });
}

function picture(points) {
  const x = points.map((each) => each.at);
  const error = { type: "data", symmetric: false, array: points.map((each) => (each.high === null ? 0 : each.high - each.value)),
    arrayminus: points.map((each) => (each.low === null ? 0 : each.value - each.low)), color: colour("--a"), thickness: 1.2 };
  const rivals = points.filter((each) => each.rival);
  return {
    traces: [
      { type: "scatter", mode: "lines+markers", name: t("models-model"), x, y: points.map((each) => each.value), error_y: error, line: { color: colour("--a"), width: 1.5 }, marker: { size: 8 },
        text: points.map((each) => each.model), hovertemplate: "%{text}: %{y:.3f}<extra></extra>" },
      { type: "scatter", mode: "lines+markers", name: t("models-rival"), x: rivals.map((each) => each.at), y: rivals.map((each) => each.rival[each.measure]), line: { color: colour("--b"), width: 1.5, dash: "dash" },
        marker: { size: 7, symbol: "diamond-open" }, text: rivals.map((each) => each.rival.answerer), hovertemplate: "%{text}: %{y:.3f}<extra></extra>" },
    ],
    layout: { xaxis: { type: "date" } },
  };
}

function training(trainings) {
  const shown = trainings.filter((each) => each.losses.length || each.looks.length);
  if (!shown.length) return { element: part(t("models-curves"), h("p", { class: "soft" }, t("models-no-curves"))), draw: async () => {} };
  const name = (each) => each.models.at(-1) ?? each.recipe_id.slice(0, 12);
  const chart = h("div", { class: "chart low" }), told = h("p", { class: "soft" });
  const paint = () => {
    const chosen = shown[row.querySelector("select").value];
    told.textContent = chosen.steps ? t("models-best", chosen) : "";
    const first = chosen.losses[0] ?? [null, null], last = chosen.losses.at(-1) ?? [null, null];
    return draw(chart, t("models-curve-label", { name: name(chosen), first: first[0], from: number(first[1]), last: last[0], to: number(last[1]) }), () => curve(chosen));
  };
  const row = h("div", { class: "row" }, ...choice("training", "models-training", shown.map((_, n) => n), (n) => `${day(shown[n].finished_at)} · ${name(shown[n])}`, () => paint()));
  return { element: part(t("models-curves"), row, chart, told), draw: paint };
}

function curve(chosen) {
  const looks = chosen.looks.filter((each) => each.answer_loss !== null);
  const line = (name, x, y, ink, more) => ({ type: "scatter", name, x, y, line: { color: colour(ink), width: 2 }, ...more });
  return {
    traces: [
      line(t("models-loss"), chosen.losses.map((each) => each[0]), chosen.losses.map((each) => each[1]), "--a", { mode: "lines" }),
      line(t("models-look"), looks.map((each) => each.step), looks.map((each) => each.answer_loss), "--b", { mode: "lines+markers", marker: { size: 7 } }),
    ].filter((each) => each.x.length),
    layout: { xaxis: { title: { text: t("models-step") } }, yaxis: { rangemode: "tozero" } },
  };
}

function comparing(models, signal) {
  if (models.length < 2) return part(t("models-compare"), h("p", { class: "soft" }, t("models-one")));
  const names = models.map((each) => each.model);
  const found = h("div", { "aria-live": "polite" });
  const second = h("select", { id: "second" }, names.map((name, n) => h("option", { value: name, selected: n === 1 }, name)));
  const ask = async (event) => {
    event.preventDefault();
    found.replaceChildren(h("p", { class: "soft" }, t("models-comparing")));
    const query = new URLSearchParams({ first: form.querySelector("#first").value, second: second.value });
    try {
      found.replaceChildren(...compared(await get(`models/compare?${query}`, signal)));
    } catch (error) {
      if (error.name !== "AbortError") found.replaceChildren(notice(`${t("failed")}${said(error)}`, true));
    }
  };
  const form = h("form", { class: "row", submit: ask }, ...choice("first", "models-first", names, (name) => name), h("label", { for: "second" }, t("models-second")), second,
    h("button", { class: "main" }, t("models-do")));
  return part(t("models-compare"), form, found);
}

function compared(found) {
  const bounds = (each, shown) => (each.low === null ? null : `${shown(each.low)} – ${shown(each.high)}`);
  const heads = (...keys) => keys.map((each) => t(`models-${each}`));
  const accuracy = found.parts.map((each) => [word(each.part), each.questions, percent(each.first), percent(each.second), percent(each.difference), bounds(each, percent)]);
  const measures = found.measures.map((each) => [`${word(each.measure)} · ${t(each.task)}`, each.sessions, number(each.first), number(each.second), number(each.class_rates), number(each.difference), bounds(each, number)]);
  return [
    h("p", {}, t("models-common", { ...found, question_set_id: found.question_set_id.slice(0, 12), confidence: percent(found.confidence, 0) })),
    table(t("models-accuracy"), heads("accuracy", "questions", "first", "second", "difference", "range"), accuracy),
    measures.length ? table(t("models-measure"), heads("measure", "sessions", "first", "second", "rates", "difference", "range"), measures) : h("div"),
  ];
}
