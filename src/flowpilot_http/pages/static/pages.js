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
      const item = document.getElementById(`in-queue-${id}`), here = item?.parentElement;
      if (until < Date.now() || !item || !here) { leaving.delete(id); continue; }
      if (next.querySelector(`#in-queue-${CSS.escape(id)}`)) continue;
      let list = next.querySelector(".queue");
      if (!list) {
        // It was the last of them: that nothing waits is said once it is gone.
        const empty = next.querySelector(".empty");
        if (!empty) continue;
        list = /** @type {Element} */ (here.cloneNode(false));
        empty.replaceWith(list);
      }
      list.insertBefore(item.cloneNode(true), list.children[[...here.children].indexOf(item)] ?? null);
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

  /** How often something was put in place. */
  let showings = 0;

  /** Whoever went on to write elsewhere while a form was sent is left there. @param {HTMLFormElement} form */
  const elsewhere = (form) => Boolean(document.activeElement?.matches("input, select, textarea")) && !form.contains(document.activeElement);

  /** @param {string} html @param {{closing?: boolean, again?: boolean}} [how] */
  async function show(html, how = {}) {
    showings += 1;
    const next = new DOMParser().parseFromString(html, "text/html"), body = next.getElementById("main");
    if (!body) return;
    if (how.closing) for (const dialog of main().querySelectorAll("dialog")) dialog.remove();
    keepLeaving(next.body);
    keepBeside(body);
    // What is only read again takes the focus from nobody.
    if (how.again) for (const one of body.querySelectorAll("[autofocus]")) one.removeAttribute("autofocus");
    // What is chosen is known here alone.
    for (const id of ["previews", "pick"]) {
      body.querySelector(`#${id}`)?.replaceChildren(...[...document.getElementById(id)?.children ?? []].map((one) => one.cloneNode(true)));
    }
    for (const one of body.querySelectorAll("noscript")) one.remove();
    tick(next);
    const still = anchor(), before = still?.getBoundingClientRect().top ?? 0, scrolled = scrollY;
    await htmx.swap({ text: body.outerHTML, target: "#main", swap: "outerMorph", sourceElement: document.body });
    document.title = next.title;
    count(next.getElementById("waiting")?.textContent ?? "");
    arrange();
    // Only now: until it is shown over the page, a dialog pushes down what stands below it.
    if (still?.isConnected) scrollBy({ top: still.getBoundingClientRect().top - before, behavior: "instant" });
    else if (document.querySelector("dialog:modal")) scrollTo({ top: scrolled, behavior: "instant" });
  }

  /** What the page says first of where things stand. */
  const news = () => main().querySelector(".head .note")?.textContent;

  /** What came of a form is seen: the step that it added, above the box that stays at the thumb, or what the page says first by now. @param {string} form @param {string} [before] */
  function reveal(form, before) {
    if (form === "add") {
      const added = [...main().querySelectorAll("#panel .steps > li")].at(-1)?.getBoundingClientRect(), box = document.getElementById(form)?.getBoundingClientRect();
      if (added && box) scrollBy({ top: Math.max(0, Math.min(added.bottom - box.top, added.top)), behavior: "instant" });
    } else if (news() && news() !== before) main().querySelector(".head .note")?.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  /** @param {string} number */
  function count(number) {
    const shown = document.getElementById("waiting");
    if (shown) shown.textContent = number;
  }

  /** What answered a form was shown this once: a preview, a secret, why it was refused. It is nowhere to be read again. */
  const unsaved = () => "unsaved" in main().dataset;

  let reading = /** @type {Promise<void> | null} */ (null), again = false, since = new Date();

  /** Read this page again; those who ask meanwhile are answered by one more reading. @returns {Promise<void>} */
  function refresh() {
    if (reading) { again = true; return reading; }
    reading = (async () => {
      try {
        do {
          again = false;
          if (unsaved()) { recount(); return; }
          const to = location.href, before = showings, answer = await fetch(to, { headers: { accept: "text/html" } });
          if (signedOut(answer)) return;
          const html = await answer.text();
          // What was closed or opened meanwhile stays so, and what answered a form is newer than what was asked for before.
          if (to !== location.href || before !== showings) again = true;
          else if (answer.ok || answer.status === 404) { await show(html, { again: true }); since = new Date(); }
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
      void sendShots();
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
    const { kind, content, evidence } = Object.fromEntries(new URLSearchParams(one.body));
    kept.set(`draft ${one.action} ${one.form}`, JSON.stringify({ kind, content, evidence }));
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
  async function send(form, submitter) {
    if (form.getAttribute("aria-busy")) return;
    const shot = form.id === "add" ? chosen() : undefined;
    if (shot) return sendShot(form, shot);
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
        if (submitter?.dataset.keeps === undefined) forget(form);
        const to = new URL(answer.url);
        if (to.pathname !== location.pathname) { location.assign(to.href); return; }
        history.replaceState(null, "", address(to.searchParams));
        form.reset();
        const before = news(), left = elsewhere(form);
        await show(html, { closing: true, again: left || form.dataset.stays !== undefined });
        !left && written[0]?.isConnected && written[0].focus({ preventScroll: true });
        reveal(form.id, before);
        // Whoever works by keyboard goes on at what the same form asks next.
        if (!left && form.dataset.stays !== undefined) document.getElementById(form.id)?.querySelector("button")?.focus({ preventScroll: true });
      } else if (page && page.dataset.page === main().dataset.page) {
        // Who reads what is there now goes on from that.
        if (answer.status === 409) { const { shown: _, ...typed } = draft(form); keep(form, typed); }
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

  // ---- Pictures: chosen, pasted or dropped, shown at once, and sent with the step that they are of. They wait in this browser until the
  // server has them, as what was typed does.

  /** @typedef {{id: string, name: string, file: Blob, alt: string}} Picture */
  /** @typedef {{id: string, me: string, session: string, pictures: Picture[], step: Record<string, string> | null}} Shot */

  const shelf = {
    /** @type {Promise<IDBDatabase> | null} */
    opened: null,
    open() {
      return this.opened ??= new Promise((resolve, reject) => {
        const request = indexedDB.open("flowpilot", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("shots", { keyPath: "id" });
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    },
    /** Done only once it is there to stay: a page that is left before takes its transactions with it. @param {(shots: IDBObjectStore) => IDBRequest} what @returns {Promise<any>} */
    async do(what) {
      const transaction = (await this.open()).transaction("shots", "readwrite");
      return new Promise((resolve, reject) => {
        const request = what(transaction.objectStore("shots"));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(transaction.error);
      });
    },
    /** @param {Shot} shot */
    async keep(shot) {
      try { await this.do((shots) => (shot.pictures.length || shot.step ? shots.put(shot) : shots.delete(shot.id))); } catch { /* Full or forbidden: then nothing is kept. */ }
    },
  };
  let shots = /** @type {Shot[]} */ ([]), shooting = false;
  const addresses = /** @type {Map<string, string>} */ (new Map());
  const previews = () => document.getElementById("previews");
  const unique = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

  /** What a picture shows is kept at each key that is typed; the shelf takes longer. @param {string} id */
  const shownName = (id) => `shows ${id}`;

  /** What is chosen for the next step of this page's session. */
  const chosen = () => shots.find((shot) => !shot.step && shot.session === previews()?.dataset.session);

  /** What is shown as chosen is kept by then. @param {Iterable<File>} files */
  async function choose(files) {
    const { session = "", types = "", most = "" } = previews()?.dataset ?? {};
    for (const file of files) {
      const wrong = !types.split(",").includes(file.type) ? words("kind") : file.size > Number(most) ? words("large") : "";
      if (wrong) { untaken(file.name, wrong); continue; }
      let shot = chosen();
      if (!shot) shots.push(shot = { id: unique(), me, session, pictures: [], step: null });
      shot.pictures.push({ id: unique(), name: file.name, file, alt: "" });
      await shelf.keep(shot);
    }
    drawPreviews();
  }

  /** @param {string} name @param {string} reason */
  function untaken(name, reason) {
    const line = document.createElement("p");
    line.className = "wrong";
    line.setAttribute("role", "alert");
    line.textContent = words("untaken", { name, reason: reason.replace(/\.$/, "") });
    previews()?.append(line);
  }

  /** What is chosen, as the form shows it. */
  function drawPreviews() {
    const place = previews(), shot = chosen(), pictures = shot?.pictures ?? [];
    const box = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("content")), pick = document.getElementById("pick");
    if (pick && !pick.firstChild) {
      const label = document.createElement("label"), field = document.createElement("input");
      label.className = "button pick";
      field.type = "file";
      field.multiple = true;
      field.accept = place?.dataset.types ?? "";
      field.dataset.picks = "";
      label.append(words("picture"), field);
      pick.append(label);
    }
    if (box) box.required = !pictures.length;
    for (const old of place?.querySelectorAll("figure") ?? []) if (!pictures.some((one) => old.id === `preview-${one.id}`)) old.remove();
    for (const { id, name, file, alt } of place ? pictures : []) {
      if (document.getElementById(`preview-${id}`)) continue;
      if (!addresses.has(id)) addresses.set(id, URL.createObjectURL(file));
      const figure = document.createElement("figure"), image = document.createElement("img"), said = document.createElement("input"), drop = document.createElement("button");
      figure.id = `preview-${id}`;
      image.src = addresses.get(id) ?? "";
      image.alt = name;
      said.type = "text";
      said.id = `shows-${id}`;
      said.maxLength = 200;
      said.value = alt;
      said.dataset.shows = id;
      said.placeholder = words("shown");
      said.setAttribute("aria-label", words("shows", { name }));
      drop.type = "button";
      drop.dataset.drops = id;
      drop.textContent = "×";
      drop.setAttribute("aria-label", words("remove", { name }));
      figure.append(image, said, drop);
      place?.append(figure);
    }
    for (const [id, address] of addresses) {
      if (!pictures.some((one) => one.id === id)) { URL.revokeObjectURL(address); addresses.delete(id); }
    }
    for (const old of document.querySelectorAll(".unsent-pictures")) old.remove();
    for (const waiting of shots.filter((one) => one.step && one.session === place?.dataset.session)) {
      const line = document.createElement("p"), progress = document.createElement("progress");
      line.className = "unsent unsent-pictures";
      progress.id = `progress-${waiting.id}`;
      progress.setAttribute("aria-label", words("sending"));
      line.append(`${waiting.step?.content.slice(0, 80)} — ${words(away ? "unsent" : "sending")} `, progress);
      place?.closest("form")?.before(line);
    }
  }

  /** @param {HTMLFormElement} form @param {Shot} shot */
  async function sendShot(form, shot) {
    const fields = new FormData(form);
    const said = (/** @type {string} */ name) => String(fields.get(name) ?? "");
    shot.step = { kind: said("kind"), content: said("content").trim() ? said("content") : words("pictured"), evidence: said("evidence") };
    form.setAttribute("aria-busy", "true");
    await shelf.keep(shot);
    form.removeAttribute("aria-busy");
    for (const old of previews()?.querySelectorAll(".wrong") ?? []) old.remove();
    forget(form);
    form.reset();
    drawPreviews();
    document.getElementById("content")?.focus({ preventScroll: true });
    return sendShots();
  }

  async function sendShots() {
    if (shooting) return;
    shooting = true;
    try {
      for (const shot of shots.filter((one) => one.step)) await deliver(shot);
    } catch { /* Away: it goes once the server answers. */ } finally { shooting = false; drawPreviews(); }
  }

  /** A step, and then its pictures: each is done once, however often it is sent. @param {Shot} shot */
  async function deliver(shot) {
    const steps = `/ai-sessions/${shot.session}/steps`, { kind, content, evidence } = shot.step ?? {};
    const step = await posted(shot, steps, JSON.stringify({ kind, content, evidence: evidence || null }), "application/json", shot.id);
    if (step.refused) {
      kept.set(`draft /sessions/${shot.session} add`, JSON.stringify({ kind, content, evidence }));
      shot.step = null;
      await shelf.keep(shot);
      arrange();
      say(words("failed", { reason: step.refused }), true);
      return;
    }
    const refusals = /** @type {[string, string][]} */ ([]);
    while (shot.pictures.length) {
      const { id, name, file, alt } = shot.pictures[0];
      const query = alt ? `?${new URLSearchParams({ alt })}` : "";
      const picture = await posted(shot, `${steps}/${step.id}/pictures${query}`, file, file.type, id);
      if (picture.refused) refusals.push([name, picture.refused]);
      shot.pictures.shift();
      kept.set(shownName(id), null);
      await shelf.keep(shot);
    }
    shots = shots.filter((one) => one !== shot);
    await shelf.do((all) => all.delete(shot.id)).catch(() => {});
    await refresh();
    reveal("add");
    for (const [name, reason] of refusals) untaken(name, reason);
  }

  /**
   * What the API says to it; throws where it is away, or nobody is signed in.
   * @param {Shot} shot @param {string} to @param {string | Blob} body @param {string} type @param {string} key
   * @returns {Promise<{id: string, refused?: string}>}
   */
  function posted(shot, to, body, type, key) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", to);
      request.setRequestHeader("content-type", type);
      request.setRequestHeader("idempotency-key", key);
      request.setRequestHeader("x-csrf-token", withToken("").get("csrf_token") ?? "");
      request.upload.onprogress = ({ loaded, total }) => {
        const progress = /** @type {HTMLProgressElement | null} */ (document.getElementById(`progress-${shot.id}`));
        if (progress) { progress.max = total; progress.value = loaded; }
      };
      request.onerror = () => reject(new TypeError("the server is away"));
      request.onload = () => {
        if (request.status === 401) say(words("gone"), true);
        if (request.status >= 500 || [401, 408, 429].includes(request.status)) { reject(new TypeError("the server is away")); return; }
        const answer = JSON.parse(request.responseText);
        resolve(request.status < 400 ? { id: answer.id } : { id: "", refused: answer.errors?.[0]?.detail ?? answer.detail });
      };
      request.send(body);
    });
  }

  async function unpack() {
    try { shots = [.../** @type {Shot[]} */ (await shelf.do((all) => all.getAll())).filter((one) => one.me === me), ...shots]; } catch { /* Forbidden: then nothing was kept. */ }
    for (const picture of shots.flatMap((shot) => shot.pictures)) picture.alt = kept.get(shownName(picture.id)) ?? picture.alt;
    drawPreviews();
    await sendShots();
  }

  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (field.dataset.picks === undefined) return;
    void choose([...field.files ?? []]);
    field.value = "";
  });

  document.addEventListener("input", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target), shot = chosen();
    const picture = shot?.pictures.find((one) => one.id === field.dataset.shows);
    if (!shot || !picture) return;
    picture.alt = field.value;
    kept.set(shownName(picture.id), field.value);
  });

  document.addEventListener("click", (event) => {
    const { drops } = /** @type {HTMLElement} */ (event.target).dataset, shot = chosen();
    if (!drops || !shot) return;
    shot.pictures = shot.pictures.filter((one) => one.id !== drops);
    kept.set(shownName(drops), null);
    if (!shot.pictures.length) shots = shots.filter((one) => one !== shot);
    void shelf.keep(shot);
    drawPreviews();
    document.getElementById("content")?.focus({ preventScroll: true });
  });

  const takesPictures = () => Boolean(previews()) && !document.querySelector("dialog:modal");

  document.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    // Of what was copied out of a document there is a picture too; the words are what was meant.
    if (!data?.files.length || data.types.includes("text/plain") || !takesPictures()) return;
    event.preventDefault();
    void choose([...data.files]);
  });

  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files") && takesPictures()) event.preventDefault();
  });

  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length || !takesPictures()) return;
    event.preventDefault();
    void choose([...event.dataTransfer.files]);
  });

  // A file that is chosen, shown before it is sent.
  document.addEventListener("change", (event) => {
    const field = event.target, shown = field instanceof HTMLInputElement && document.getElementById(field.dataset.shownIn ?? "");
    if (!(shown instanceof HTMLImageElement) || !(field instanceof HTMLInputElement)) return;
    URL.revokeObjectURL(shown.src);
    const file = field.files?.[0];
    shown.src = file ? URL.createObjectURL(file) : "";
    if (shown.parentElement) shown.parentElement.hidden = !file;
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

  /** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */

  /** @param {HTMLFormElement} form @returns {Record<string, string>} */
  const draft = (form) => JSON.parse(kept.get(draftOf(form.id)) ?? "{}");

  /** @param {HTMLFormElement} form @param {Record<string, string>} typed */
  const keep = (form, typed) => kept.set(draftOf(form.id), Object.keys(typed).some((name) => name !== "shown") ? JSON.stringify(typed) : null);

  /** @param {Element} one @returns {one is Field} */
  const typable = (one) => one.matches("textarea, select, input:not([type=hidden], [type=password], [type=file])");

  /** @param {Element} field @returns {field is HTMLInputElement} */
  const ticked = (field) => field.matches("[type=checkbox]");

  /** Boxes to tick share their name. @param {Field} field */
  const keyOf = (field) => (ticked(field) ? `${field.name}=${field.value}` : field.name);

  /** @param {Field} field */
  const valueOf = (field) => (ticked(field) ? String(field.checked) : field.value);

  /** What stands there where nobody has typed. @param {Field} field @returns {string} */
  function defaultOf(field) {
    if (field instanceof HTMLSelectElement) return ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value ?? "";
    if (ticked(field)) return String(field.defaultChecked);
    if (field.type !== "radio") return field.defaultValue;
    const choices = /** @type {HTMLInputElement[]} */ ([...field.form?.elements ?? []].filter((one) => one instanceof HTMLInputElement && one.name === field.name));
    return choices.find((one) => one.defaultChecked)?.value ?? "";
  }

  /** @param {Field} field @param {string} value */
  function fill(field, value) {
    if (ticked(field)) field.checked = value === "true";
    else if (field instanceof HTMLInputElement && field.type === "radio") field.checked ||= field.value === value;
    else if (field instanceof HTMLSelectElement) { if ([...field.options].some((one) => one.value === value)) field.value = value; }
    // What has the focus already, since the script came late, is as it was shown yet; what somebody types in is left alone.
    else if (field !== document.activeElement || field.value === field.defaultValue) field.value = value;
  }

  /** What a form was shown with is kept with what was typed, so that who was quicker is found out after a reload, too. @param {HTMLFormElement} form */
  const shownIn = (form) => /** @type {HTMLInputElement | null} */ (form.querySelector("input[type=hidden][name=shown]"));

  /**
   * A plain form is sent by the browser, which tells nobody what came of it: what stands there by now as it was typed was saved, and who was
   * shown what is there now goes on from that.
   * @param {HTMLFormElement} form
   */
  function settle(form) {
    const typed = draft(form), plain = (/** @type {string | undefined} */ value) => value?.trim().toLowerCase();
    if (form.dataset.stale !== undefined) delete typed.shown;
    else if (!unsaved()) {
      for (const field of [...form.elements].filter(typable)) if (plain(typed[keyOf(field)]) === plain(defaultOf(field))) delete typed[keyOf(field)];
    }
    keep(form, typed);
  }

  /** @param {HTMLFormElement} form */
  function fillAgain(form) {
    if (form.dataset.plain !== undefined) settle(form);
    const typed = draft(form), shown = shownIn(form);
    let foreseen = true;
    for (const field of [...form.elements].filter(typable)) {
      const value = typed[keyOf(field)];
      if (value === undefined) continue;
      fill(field, value);
      // What is sent with the form is not hidden in it.
      const folded = field.closest("details");
      if (folded) folded.open = true;
      if (field.dataset.previews !== undefined && field.value !== defaultOf(field)) foreseen &&= new URLSearchParams(location.search).get(field.name) === field.value;
    }
    if (shown && typed.shown) shown.value = typed.shown;
    else if (shown) keep(form, { ...typed, shown: shown.value });
    if (!foreseen) void preview(form);
  }

  document.addEventListener("input", (event) => {
    const field = /** @type {Field} */ (event.target), form = field.form;
    if (!form?.id || form.method !== "post" || !field.name || !typable(field)) return;
    const typed = draft(form), shown = shownIn(form);
    if (valueOf(field) === defaultOf(field)) delete typed[keyOf(field)];
    else typed[keyOf(field)] = valueOf(field);
    if (shown) typed.shown ??= shown.value;
    keep(form, typed);
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
    for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (main().querySelectorAll("form[method=post][id]"))) fillAgain(form);
    for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (main().querySelectorAll("form[data-at-once]"))) {
      form.removeAttribute("data-at-once");
      void fetch(form.action, { method: "POST", body: new URLSearchParams(/** @type {any} */ (new FormData(form))) }).catch(() => {});
    }
    keepUnsent(unsent());
    drawPreviews();
  }

  // ---- The keyboard.

  let went = 0;
  /** @type {Record<string, string>} */
  const places = { q: "/queue", w: "/work", s: "/sessions", l: "/library", i: "/insights" };

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
    if (at.matches("[type=search], #results a") && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const found = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#results a")]);
      const next = found.indexOf(at) + (event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
      /** @type {HTMLElement | null} */ (next < 0 ? document.getElementById("search") : found[Math.min(next, found.length - 1)])?.focus();
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
        if (!search) return;
        event.preventDefault();
        search.focus();
        break;
      }
      case "g": went = Date.now(); break;
      case "?": /** @type {HTMLDialogElement} */ (document.getElementById("keys")).showModal(); break;
    }
  });

  /** What somebody is to take elsewhere, to where they paste it from; or chosen, where the browser keeps that to itself. @param {string} id */
  async function copy(id) {
    const text = document.getElementById(id);
    if (!text) return;
    try { await navigator.clipboard.writeText(text.textContent ?? ""); say(words("copied")); } catch { getSelection()?.selectAllChildren(text); }
  }

  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.dataset.copies) void copy(target.dataset.copies);
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
  void unpack();
  document.querySelector(".beside [aria-current]")?.closest("article")?.scrollIntoView({ block: "nearest" });
  if (document.querySelector("[autofocus]")) /** @type {HTMLElement} */ (document.querySelector("[autofocus]")).focus();
  setInterval(tick, 15_000);
  setInterval(look, 30_000);
  listen();
})();
