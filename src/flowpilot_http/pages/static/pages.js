// @ts-check
// What a page does beyond its forms: it follows one stream of events and reads itself again, sends forms in place, keeps what was typed,
// ticks, and listens to the keyboard. Every use case works without it.
(() => {
  "use strict";

  /** @typedef {{session_id?: string, handoff_id?: string, by?: "system" | {id: string, name: string}, at?: string}} Happened */
  /** @typedef {{action: string, body: string, form: string, words: string}} Unsent */

  /** @type {{swap(context: object): Promise<void>, registerExtension(name: string, extension: object): void}} */
  const htmx = /** @type {any} */ (window).htmx;
  const me = document.body.dataset.person ?? "";
  const HAPPENED = [
    "handoff.escalated", "handoff.rerouted", "handoff.assessed", "handoff.claimed", "handoff.unclaimed", "handoff.lapsed",
    "handoff.withdrawn", "handoff.reminded", "handoff.seen", "session.reassigned", "session.parked", "session.resumed", "session.resolved",
    "session.reopened", "session.changed", "delivery.changed",
  ];
  const SOON = 60, STAYS = 2500, LONGEST_PAUSE = 30_000, PATIENCE = 10_000;

  /** @returns {HTMLElement} */
  const main = () => /** @type {HTMLElement} */ (document.getElementById("main"));
  const status = /** @type {HTMLElement} */ (document.getElementById("status"));

  /** One of the page's sentences. @param {string} name @param {Record<string, unknown>} [facts] */
  function words(name, facts = {}) {
    const sentence = document.getElementById("words")?.dataset[name] ?? "";
    return sentence.replace(/\{(\w+)\}/g, (_, fact) => String(facts[fact] ?? ""));
  }

  // What is kept in this browser, for this person alone.
  const kept = {
    /** @param {string} name */
    get: (name) => { try { return localStorage.getItem(`${me} ${name}`); } catch { return null; } },
    /** @param {string} name @param {string | null} value */
    set: (name, value) => {
      try { value === null ? localStorage.removeItem(`${me} ${name}`) : localStorage.setItem(`${me} ${name}`, value); } catch { /* Full or forbidden: then nothing is kept. */ }
    },
  };

  // ---- Time: in the reader's zone, and ticking.

  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
  const year = new Intl.DateTimeFormat(undefined, { year: "numeric" });

  /** @param {number} seconds */
  function span(seconds) {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
    if (minutes < 1) return words("moment");
    if (minutes === 1) return words("minute");
    if (hours < 1) return words("minutes", { n: minutes });
    if (days < 1) return words("hours", { h: hours, m: minutes % 60 });
    return words(days === 1 ? "day" : "days", { d: days, h: hours % 24 });
  }

  /** @param {ParentNode} within */
  function tick(within = document) {
    const now = Date.now();
    for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (within.querySelectorAll("time[datetime]"))) {
      const at = Date.parse(time.dateTime);
      let said;
      if (time.dataset.since) said = span(Math.max(0, now - at) / 1000);
      else if (time.dataset.due) {
        said = words(at <= now ? "late" : "due", { span: span(Math.abs(now - at) / 1000) });
        time.classList.toggle("late", at <= now);
      } else {
        const when = new Date(at), today = new Date();
        const sameYear = when.getFullYear() === today.getFullYear();
        said = when.toDateString() === today.toDateString() ? clock.format(when)
          : `${day.format(when)}${sameYear ? "" : ` ${year.format(when)}`}, ${clock.format(when)}`;
        time.title = when.toLocaleString();
      }
      if (time.textContent !== said) time.textContent = said;
    }
  }

  // ---- The page, read again and put in place of what is there, without moving what somebody reads, points at or types in.

  htmx.registerExtension("still", {
    /** What only the reader opened or typed is not the server's to close or to empty. @param {Element} node @param {{attrName: string}} detail */
    htmx_before_morph_attr: (node, detail) => !(detail.attrName === "open" && node.matches("details, dialog")) && !(detail.attrName === "value" && node === document.activeElement),
  });

  let pointed = /** @type {Element | null} */ (null);
  document.addEventListener("pointerover", (event) => { pointed = /** @type {Element} */ (event.target); }, { passive: true });

  /** What must not move: what has the focus, or is pointed at, or is read first. */
  function anchor() {
    const things = [document.activeElement, pointed].map((one) => one?.closest("#main [id]:not(form)"));
    const thing = things.find((one) => one && one.id !== "main");
    if (thing) return thing;
    if (scrollY < 8) return null;
    return [...main().querySelectorAll("[id]:not(form)")].find((one) => one.getBoundingClientRect().top > 0) ?? null;
  }

  /** @type {Map<string, number>} */
  const leaving = new Map();

  /** Articles that were taken a moment ago stay where they were. @param {Element} next */
  function keepLeaving(next) {
    for (const [id, until] of leaving) {
      const item = document.getElementById(`in-queue-${id}`), list = next.querySelector(".queue");
      if (until < Date.now() || !item) { leaving.delete(id); continue; }
      if (!list || next.querySelector(`#in-queue-${CSS.escape(id)}`)) continue;
      const place = [...(item.parentElement?.children ?? [])].indexOf(item);
      list.insertBefore(item.cloneNode(true), list.children[place] ?? null);
    }
  }

  // On a wide screen an item opens beside the list that it stands in, and the address says which list that is.
  const wide = matchMedia("(min-width: 80rem)");
  const besideWhat = () => new URLSearchParams(location.search).get("beside");

  /** This page's address with another query, and the same list beside it. @param {URLSearchParams} [query] */
  function address(query = new URLSearchParams()) {
    const list = besideWhat();
    if (list) query.set("beside", list);
    return location.pathname + (query.size ? `?${query}` : "");
  }

  /** The answer to a form has no list; the one that stands here stays. @param {HTMLElement} next */
  function keepBeside(next) {
    const list = document.getElementById("beside");
    if (!list || !besideWhat() || next.querySelector("#beside")) return;
    next.prepend(list.cloneNode(true));
    next.classList.add("has-beside");
    next.dataset.beside = main().dataset.beside;
  }

  /** @param {string} html @param {{closing?: boolean}} [how] */
  async function show(html, how = {}) {
    const next = new DOMParser().parseFromString(html, "text/html"), body = next.getElementById("main");
    if (!body) return;
    if (how.closing) for (const dialog of main().querySelectorAll("dialog")) dialog.remove();
    keepLeaving(next.body);
    keepBeside(body);
    tick(next);
    const still = anchor(), before = still?.getBoundingClientRect().top ?? 0;
    await htmx.swap({ text: body.outerHTML, target: "#main", swap: "outerMorph", sourceElement: document.body });
    if (still?.isConnected) scrollBy({ top: still.getBoundingClientRect().top - before, behavior: "instant" });
    document.title = next.title;
    count(next.getElementById("waiting")?.textContent ?? "");
    arrange();
  }

  /** @param {string} number */
  function count(number) {
    const shown = document.getElementById("waiting");
    if (shown) shown.textContent = number;
  }

  let reading = /** @type {Promise<void> | null} */ (null), again = false, since = new Date();

  /** Read this page again; those who ask meanwhile are answered by one more reading. @returns {Promise<void>} */
  function refresh() {
    if (reading) { again = true; return reading; }
    reading = (async () => {
      try {
        do {
          again = false;
          const answer = await fetch(location.href, { headers: { accept: "text/html" } });
          if (signedOut(answer)) return;
          if (answer.ok || answer.status === 404) { await show(await answer.text()); since = new Date(); }
        } while (again);
      } catch { /* The stream says that the server is away. */ } finally { reading = null; }
    })();
    return reading;
  }

  /** @param {Response} answer */
  function signedOut(answer) {
    if (!answer.redirected || !/^\/(sign-in|signed-out)/.test(new URL(answer.url).pathname)) return false;
    say(words("gone"), true);
    return true;
  }

  /** @param {string} sentence @param {boolean} [away] */
  function say(sentence, away = false) {
    status.textContent = sentence;
    status.classList.toggle("away", away);
  }

  // ---- The stream: what happens elsewhere is shown here.

  let last = "", pause = 500, source = /** @type {EventSource | null} */ (null), away = false, opened = false;
  let soon = 0, counting = 0;
  /** Who asked for help since that was last said, in order. @type {Happened[]} */
  let asked = [];

  function listen() {
    if (source) return;
    source = new EventSource(last ? `/events?last_event_id=${encodeURIComponent(last)}` : "/events");
    source.addEventListener("open", async () => {
      pause = 500;
      opened = true;
      if (away) { away = false; say(words("back")); }
      await sendUnsent();
      await refresh();
    });
    source.addEventListener("error", lost);
    for (const kind of [...HAPPENED, "resync"]) {
      source.addEventListener(kind, (event) => heard(kind, /** @type {MessageEvent} */ (event)));
    }
  }

  /** The stream has ended, or nothing comes over it any more: say how old the page is, and try again after a while. */
  function lost() {
    if (opened) since = new Date();
    source?.close();
    source = null;
    opened = false;
    if (!away) { away = true; say(words("away", { time: clock.format(since) }), true); }
    setTimeout(listen, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    if (pause > 2000) void refresh();
  }

  /** A network that is gone without a word is found by asking. */
  async function look() {
    if (!source || document.hidden) return;
    try { await fetch("/health/live", { signal: AbortSignal.timeout(PATIENCE) }); } catch { lost(); }
  }

  /** @param {string} kind @param {MessageEvent} event */
  function heard(kind, event) {
    last = event.lastEventId;
    /** @type {Happened} */
    const what = JSON.parse(event.data);
    const { live, beside, session, handoff } = main().dataset, lists = [live, beside];
    const queued = (kind.startsWith("handoff.") && kind !== "handoff.seen") || kind === "resync";
    if (kind === "handoff.claimed" && what.handoff_id) taken(what.handoff_id, what.by);
    const here = (lists.includes("queue") && queued) || (lists.includes("sessions") && kind !== "delivery.changed")
      || (session && what.session_id === session) || (handoff && what.handoff_id === handoff) || kind === "resync";
    if (kind === "handoff.escalated" && lists.includes("queue")) asked.push(what);
    if (kind === "handoff.claimed" && handoff && what.handoff_id === handoff && !isMe(what.by)) say(words("taken", { name: nameOf(what.by) }));
    if (here) soon ||= setTimeout(async () => { soon = 0; await refresh(); announce(); }, SOON);
    else if (queued) counting ||= setTimeout(() => { counting = 0; recount(); }, SOON);
  }

  /** How many wait, where the page itself has nothing new. */
  function recount() {
    fetch("/queue/waiting").then(async (answer) => { if (answer.ok && !answer.redirected) count(await answer.text()); }).catch(() => {});
  }

  /** @param {Happened["by"]} by */
  const nameOf = (by) => (typeof by === "object" ? by.name : "FlowPilot");

  /** @param {Happened["by"]} by */
  const isMe = (by) => typeof by === "object" && by.id === me;

  /** @param {string} id @param {Happened["by"]} by */
  function taken(id, by) {
    const item = document.getElementById(`in-queue-${id}`);
    if (!item || leaving.has(id)) return;
    leaving.set(id, Date.now() + STAYS);
    const article = item.querySelector("article");
    article?.classList.add("taken");
    const side = article?.querySelector(".side");
    if (side) side.textContent = words("taken", { name: nameOf(by) });
    setTimeout(() => { leaving.delete(id); void refresh(); }, STAYS);
  }

  function announce() {
    const said = [];
    for (const { handoff_id: id, by } of asked) {
      const title = document.getElementById(`title-${id}`)?.textContent;
      if (!title || isMe(by)) continue;
      const sentence = words("help", { name: nameOf(by), title });
      said.push(sentence);
      if (kept.get("desktop") && "Notification" in window && Notification.permission === "granted") new Notification(sentence, { tag: id });
    }
    asked = [];
    if (!said.length) return;
    say(said.join(". "));
    if (kept.get("sound")) beep();
  }

  function beep() {
    const audio = new AudioContext(), tone = audio.createOscillator(), volume = audio.createGain();
    tone.connect(volume).connect(audio.destination);
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.15, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
    tone.onended = () => void audio.close();
  }

  addEventListener("offline", () => { if (source) lost(); });
  addEventListener("online", () => { if (!source) { pause = 500; listen(); } });
  document.addEventListener("visibilitychange", () => {
    // Timers of a page that nobody looks at are late; who comes back does not wait for them.
    if (!document.hidden && !source) { pause = 500; listen(); }
  });

  // ---- Forms are sent in place. What cannot be sent now waits here, and is sent once the server answers.

  /** @param {string} form */
  const draftOf = (form) => `draft ${location.pathname} ${form}`;
  /** @returns {Unsent[]} */
  const unsent = () => JSON.parse(kept.get("unsent") ?? "[]");

  /** @param {Unsent[]} all */
  function keepUnsent(all) {
    kept.set("unsent", all.length ? JSON.stringify(all) : null);
    for (const old of document.querySelectorAll(".unsent")) old.remove();
    for (const one of all.filter((it) => it.action === location.pathname)) {
      const line = document.createElement("p");
      line.className = "unsent";
      line.textContent = `${one.words} — ${words("unsent")}`;
      document.getElementById(one.form)?.before(line);
    }
  }

  /** @param {string} body */
  const withToken = (body) => {
    const fields = new URLSearchParams(body);
    fields.set("csrf_token", /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrf_token]"))?.value ?? "");
    return fields;
  };

  /** Whether nobody is signed in, or another sign-in has begun: then it was not this form that was refused. @param {Response} answer @param {HTMLElement | null} page */
  const unread = (answer, page) => answer.status === 401 || (answer.status === 403 && page?.dataset.page === "problem.html");

  let sending = false;

  async function sendUnsent() {
    if (sending || !unsent().length) return;
    sending = true;
    try {
      for (const one of unsent()) {
        const answer = await fetch(one.action, { method: "POST", body: withToken(one.body), headers: { accept: "text/html" } });
        const html = await answer.text();
        if (answer.status >= 500 || unread(answer, parsed(html)) || signedOut(answer)) return;
        if (!answer.ok) giveBack(one);
        keepUnsent(unsent().filter((other) => other.body !== one.body));
        say(answer.ok ? words("sent") : words("failed", { reason: reasonOf(html) }), !answer.ok);
      }
    } catch { /* Still away. */ } finally { sending = false; }
  }

  /** @param {string} html */
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").getElementById("main");

  /** @param {string} html */
  const reasonOf = (html) => parsed(html)?.querySelector("[role=alert], [data-detail]")?.textContent?.trim() ?? "";

  /** What was refused is a draft again, also where its form is not on the page any more. @param {Unsent} one */
  function giveBack(one) {
    const { content, evidence } = Object.fromEntries(new URLSearchParams(one.body));
    kept.set(`draft ${one.action} ${one.form}`, JSON.stringify({ content, evidence }));
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
  async function send(form, submitter) {
    if (form.getAttribute("aria-busy")) return;
    const fields = new URLSearchParams(/** @type {any} */ (new FormData(form, submitter)));
    const written = [...form.elements].filter((one) => one instanceof HTMLTextAreaElement);
    form.setAttribute("aria-busy", "true");
    submitter?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "text/html" } });
      if (signedOut(answer)) return;
      if (answer.status >= 502) throw new TypeError("the server is away");
      const html = await answer.text(), page = parsed(html);
      if (unread(answer, page) && signedOut(await fetch(location.href, { headers: { accept: "text/html" } }))) return;
      if (answer.ok) {
        forget(form);
        const to = new URL(answer.url);
        if (to.pathname !== location.pathname) { location.assign(to.href); return; }
        history.replaceState(null, "", address(to.searchParams));
        form.reset();
        await show(html, { closing: true });
        written[0]?.isConnected && written[0].focus({ preventScroll: true });
      } else if (page && page.dataset.page === main().dataset.page) {
        await show(html);
      } else {
        const wrong = /** @type {HTMLElement | null} */ (form.querySelector("[data-wrong]"));
        const reason = reasonOf(html);
        if (wrong) { wrong.textContent = reason; wrong.hidden = false; } else say(words("failed", { reason }), true);
      }
    } catch {
      if (!form.dataset.waits) { say(words("away", { time: clock.format(since) }), true); return; }
      const words_ = written.map((one) => /** @type {HTMLTextAreaElement} */ (one).value).join(" ").slice(0, 80);
      keepUnsent([...unsent(), { action: new URL(form.action).pathname, body: fields.toString(), form: form.id, words: words_ }]);
      forget(form);
      form.reset();
      const once = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("once"));
      if (once) once.value = crypto.randomUUID?.() ?? String(Date.now());
    } finally {
      form.removeAttribute("aria-busy");
      submitter?.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target), { submitter } = event;
    if (form.dataset.plain !== undefined || form.getAttribute("method") === "dialog") return;
    event.preventDefault();
    if (form.dataset.closes !== undefined) close(form.closest("dialog"));
    else if (form.method === "get") void open(form, submitter);
    else void send(form, submitter);
  });

  // ---- Dialogs: a form's answer, shown over the page.

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
  async function open(form, submitter) {
    const query = new URLSearchParams(/** @type {any} */ (new FormData(form, submitter)));
    const to = address(query);
    try {
      const answer = await fetch(to, { headers: { accept: "text/html" } });
      if (signedOut(answer) || !answer.ok) return;
      history.replaceState(null, "", to);
      await show(await answer.text());
    } catch { say(words("away", { time: clock.format(since) }), true); }
  }

  /** What a dialog would do with what is chosen in it now. @param {HTMLFormElement} form */
  function preview(form) {
    const query = new URLSearchParams({ do: form.closest("dialog")?.id ?? "" });
    for (const one of /** @type {NodeListOf<HTMLSelectElement>} */ (form.querySelectorAll("[data-previews]"))) if (one.value) query.set(one.name, one.value);
    history.replaceState(null, "", address(query));
    return refresh();
  }

  /** @param {HTMLDialogElement | null} dialog */
  function close(dialog) {
    if (!dialog) return;
    dialog.close();
    if (dialog.id !== "keys") {
      history.replaceState(null, "", address());
      dialog.remove();
    }
  }

  document.addEventListener("cancel", (event) => {
    if (event.target instanceof HTMLDialogElement && event.target.id !== "keys") { event.preventDefault(); close(event.target); }
  }, true);

  // ---- What was typed is kept until it is sent.

  /** @param {HTMLFormElement} form */
  const forget = (form) => kept.set(draftOf(form.id), null);

  document.addEventListener("input", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target), form = field.form;
    if (!form?.id || form.method !== "post" || !field.matches("textarea, input[type=text]")) return;
    /** @type {Record<string, string>} */
    const draft = {};
    for (const one of form.querySelectorAll("textarea, input[type=text]")) {
      const { name, value } = /** @type {HTMLInputElement} */ (one);
      if (value) draft[name] = value;
    }
    kept.set(draftOf(form.id), Object.keys(draft).length ? JSON.stringify(draft) : null);
  });

  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (field.dataset.submits !== undefined) field.form?.requestSubmit();
    if (field.dataset.previews !== undefined && field.form) void preview(field.form);
    if (field.dataset.wants) {
      kept.set(field.dataset.wants, field.checked ? "1" : null);
      if (field.checked && field.dataset.wants === "desktop" && "Notification" in window) void Notification.requestPermission();
      if (field.checked && field.dataset.wants === "sound") beep();
    }
  });

  /** What the server cannot know: done after each time the page is put in place. */
  function arrange() {
    tick();
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".by-script"))) one.hidden = false;
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-wants]"))) box.checked = Boolean(kept.get(box.dataset.wants ?? ""));
    for (const dialog of main().querySelectorAll("dialog")) {
      if (dialog.open && !dialog.matches(":modal")) { dialog.close(); dialog.showModal(); }
    }
    for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (main().querySelectorAll("form[method=post][id]"))) {
      const draft = JSON.parse(kept.get(draftOf(form.id)) ?? "{}");
      for (const [name, value] of Object.entries(draft)) {
        const field = form.elements.namedItem(name);
        // What has the focus already, since the script came late, is empty yet; what somebody types in is left alone.
        if ((field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) && (field !== document.activeElement || !field.value)) field.value = String(value);
      }
    }
    for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (main().querySelectorAll("form[data-at-once]"))) {
      form.removeAttribute("data-at-once");
      void fetch(form.action, { method: "POST", body: new URLSearchParams(/** @type {any} */ (new FormData(form))) }).catch(() => {});
    }
    keepUnsent(unsent());
  }

  // ---- The keyboard.

  let went = 0;
  /** @type {Record<string, string>} */
  const places = { q: "/queue", w: "/work", s: "/sessions" };

  /** @param {number} by */
  function step(by) {
    const items = /** @type {HTMLElement[]} */ ([...main().querySelectorAll("article.item")]);
    const open = main().querySelector(".beside [aria-current]");
    const at = items.indexOf(/** @type {HTMLElement} */ ((document.activeElement?.closest("article.item") ?? open?.closest("article.item"))));
    const next = items[Math.min(items.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    const at = /** @type {HTMLElement} */ (event.target);
    if (at.matches("textarea[data-enter]") && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      /** @type {HTMLTextAreaElement} */ (at).form?.requestSubmit();
      return;
    }
    // Out of a box, so that the keys below are keys again.
    if (event.key === "Escape" && at.matches("input, textarea") && !document.querySelector("dialog:modal")) at.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || at.matches("input:not([type=radio], [type=checkbox]), textarea, select") || document.querySelector("dialog:modal")) return;
    const article = /** @type {HTMLElement | null} */ (at.closest("article.item"));
    if (went > Date.now() - 1500 && places[event.key]) { location.assign(places[event.key]); return; }
    went = 0;
    switch (event.key) {
      case "j": step(1); break;
      case "k": step(-1); break;
      case "Enter": if (at === article) article?.querySelector("a")?.click(); break;
      case "c": /** @type {HTMLElement | null} */ (article ? article.querySelector("button[name=claim]") : document.querySelector("button[value=claim]"))?.click(); break;
      case "n": location.assign("/sessions/new"); break;
      case "/": {
        const search = /** @type {HTMLElement | null} */ (document.querySelector("input[type=search]"));
        if (!search) return location.assign("/sessions");
        event.preventDefault();
        search.focus();
        break;
      }
      case "g": went = Date.now(); break;
      case "?": /** @type {HTMLDialogElement} */ (document.getElementById("keys")).showModal(); break;
    }
  });

  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const item = /** @type {HTMLAnchorElement | null} */ (target.closest("main[data-live] .item :is(h2, h3) a"));
    if (item && wide.matches && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      location.assign(`${item.pathname}?${new URLSearchParams({ beside: location.pathname + location.search })}`);
    }
    const link = target.closest("a[href^='#']");
    if (link) {
      const there = document.getElementById((link.getAttribute("href") ?? "#").slice(1));
      for (let details = there?.closest("details"); details; details = details.parentElement?.closest("details")) details.open = true;
    }
  });

  arrange();
  document.querySelector(".beside [aria-current]")?.closest("article")?.scrollIntoView({ block: "nearest" });
  if (document.querySelector("[autofocus]")) /** @type {HTMLElement} */ (document.querySelector("[autofocus]")).focus();
  setInterval(tick, 15_000);
  setInterval(look, 30_000);
  listen();
})();
