() => {
  // What Gradio does not offer: one player for seed, continuation and joined, a playhead on roll and sheet, keyboard control.
  // Nothing is fetched from anywhere but this page.
  const find = (selector) => document.querySelector(selector);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  // Gradio's player of the seed keeps its <audio> out of the document, so we catch it when it starts.
  let started = null;
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    started = this;
    return play.apply(this, arguments);
  };
  let preview = null; // the seed's <audio>
  const playing = () => {
    preview = started;
    sound().pause();
    head = { sound: preview, part: "seed", roll: "#seed-roll" };
    nextFrame();
  };

  // A newly chosen seed plays as soon as its sound is loaded, which is when the player shows its length.
  let choice = null;
  const seedLength = () => find("#seed-player #duration");
  const chosen = () => {
    preview?.pause();
    if (seedLength()) seedLength().textContent = "";
    const mine = (choice = { settled: false });
    const until = Date.now() + 20000;
    const wait = setInterval(() => {
      const shown = seedLength()?.textContent;
      if (choice !== mine || Date.now() > until) clearInterval(wait);
      else if ((shown && shown !== "0:00") || mine.settled) {
        clearInterval(wait);
        setTimeout(() => find("#seed-player button[aria-label=Play]")?.click(), 50);
      }
    }, 50);
  };
  // Gradio does not reload the same sound, so the length would not come back by itself.
  const arrived = () => {
    const mine = choice;
    setTimeout(() => {
      if (!mine || choice !== mine || !preview || !seedLength() || seedLength().textContent) return;
      seedLength().textContent = minutes(preview.duration);
      mine.settled = true;
    }, 3000);
  };

  // The player of the take: three equally loud sounds, switched at the same place in the music.
  const sounds = { seed: new Audio(), continuation: new Audio(), joined: new Audio() };
  let part = "joined";
  let head = { sound: null, part: "joined", roll: "#roll" }; // what the playhead follows
  const sound = () => sounds[part];
  for (const each of Object.values(sounds)) {
    each.preload = "auto";
    for (const event of ["play", "pause", "ended", "loadedmetadata", "durationchange"]) {
      each.addEventListener(event, () => show());
    }
  }
  const load = (...files) => {
    const code = files.pop();
    Object.keys(sounds).forEach((name, i) => {
      const url = files[i]?.url ?? "";
      if (sounds[name].getAttribute("src") === url) return;
      sounds[name].pause();
      if (url) sounds[name].src = url;
      else sounds[name].removeAttribute("src");
    });
    head = { sound: sound(), part, roll: "#roll" };
    document.body.dataset.takes = Number(document.body.dataset.takes ?? 0) + 1; // so that tests can wait for the next one
    show();
    return code ? `${location.origin}${location.pathname}?recipe=${code}` : "";
  };
  const show = () => {
    const box = find("#player .player");
    if (!box) return;
    const length = Number.isFinite(sound().duration) ? sound().duration : 0;
    for (const button of box.querySelectorAll("[data-part]")) {
      const mine = button.dataset.part === part;
      button.setAttribute("aria-checked", mine);
      button.tabIndex = mine ? 0 : -1;
    }
    const button = box.querySelector(".play");
    const position = box.querySelector(".position");
    button.disabled = position.disabled = !length;
    box.dataset.playing = !sound().paused;
    button.setAttribute("aria-label", sound().paused ? "Play" : "Pause");
    position.max = length || 1;
    position.value = sound().currentTime;
    position.style.setProperty("--done", `${length ? (100 * sound().currentTime) / length : 0}%`);
    position.setAttribute("aria-valuetext", `${minutes(sound().currentTime)} of ${minutes(length)}`);
    box.querySelector(".time").textContent = minutes(sound().currentTime);
    box.querySelector(".length").textContent = minutes(length);
    if (!sound().paused) nextFrame();
  };
  const toggle = () => {
    preview?.pause();
    head = { sound: sound(), part, roll: "#roll" };
    if (sound().paused) sound().play();
    else sound().pause();
  };
  const seek = (seconds) => {
    sound().currentTime = clamp(seconds, 0, sound().duration || 0);
    head = { sound: sound(), part, roll: "#roll" };
    show();
    nextFrame();
  };
  // Keep the place when switching: from bar 3 of the seed to bar 3 of the continuation, or to the same bar of joined.
  const choosePart = (wanted) => {
    if (wanted === part || !(wanted in sounds)) return;
    const before = sound();
    const wasPlaying = !before.paused;
    const split = splitSeconds();
    let seconds = before.currentTime;
    if (wanted === "joined" && part === "continuation") seconds += split;
    if (part === "joined" && seconds >= split && wanted !== "joined") seconds -= split;
    before.pause();
    part = wanted;
    seek(seconds);
    if (wasPlaying) sound().play();
    show();
  };

  // The roll holds pairs of tick and second.
  const clockOf = (svg) => svg.dataset.clock.split(" ").map((pair) => pair.split(":").map(Number));
  const between = (pairs, value, from, to) => {
    let i = 1;
    while (i < pairs.length - 1 && pairs[i][from] < value) i++;
    const [a, b] = [pairs[i - 1], pairs[i]];
    return a[to] + ((value - a[from]) * (b[to] - a[to])) / (b[from] - a[from]);
  };
  const takeRoll = () => find("#roll .html-container svg");
  const secondsOf = (svg, tick) => between(clockOf(svg), tick, 0, 1);
  const splitSeconds = () => (takeRoll() ? secondsOf(takeRoll(), Number(takeRoll().dataset.split)) : 0);
  // Seek a tick of the joined music; switch to joined only if the current part does not have that tick.
  const seekTick = (tick) => {
    const svg = takeRoll();
    if (!svg || !sounds.joined.duration) return;
    const split = Number(svg.dataset.split);
    if ((part === "seed" && tick >= split) || (part === "continuation" && tick < split)) choosePart("joined");
    seek(secondsOf(svg, tick) - (part === "continuation" ? splitSeconds() : 0));
  };

  let frame = 0;
  function nextFrame() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(moveHead);
  }
  function moveHead() {
    const holder = find(`${head.roll} .html-container`);
    const svg = holder && holder.querySelector("svg");
    document.querySelectorAll(".playhead").forEach((line) => line.ownerSVGElement !== svg && line.remove());
    if (!head.sound || !svg) return;
    if (!head.sound.paused) nextFrame();
    if (head.sound === sound() && !head.sound.paused) {
      const position = find("#player .position");
      if (position && document.activeElement !== position) position.value = head.sound.currentTime;
      if (position) position.style.setProperty("--done", `${(100 * head.sound.currentTime) / (head.sound.duration || 1)}%`);
      const time = find("#player .time");
      if (time) time.textContent = minutes(head.sound.currentTime);
    }
    if (holder.querySelector(".growing")) return; // the roll shows another take
    const { left, top, bottom, tickPx, ticks, split } = svg.dataset;
    const pairs = clockOf(svg);
    let seconds = head.sound.currentTime;
    if (head.roll === "#roll" && head.part === "continuation") seconds += between(pairs, Number(split), 0, 1);
    const tick = Math.min(between(pairs, seconds, 1, 0), Number(ticks));
    const x = Number(left) + tick * Number(tickPx);
    let line = svg.querySelector(".playhead");
    if (!line) {
      line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", "playhead");
      line.setAttribute("aria-hidden", "true");
      svg.append(line);
    }
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: top, y2: bottom })) line.setAttribute(name, value);
    const fits = holder.scrollWidth <= holder.clientWidth;
    if (!fits && !head.sound.paused && (x < holder.scrollLeft || x > holder.scrollLeft + holder.clientWidth * 0.9)) {
      holder.scrollLeft = x - holder.clientWidth * 0.1;
    }
    if (head.roll === "#roll") light(tick);
  }

  // Highlight the sounding notes on the sheet.
  let engraved = { box: null, notes: [] };
  const sheetNotes = () => {
    const box = find("#sheet .sheet");
    if (box !== engraved.box) {
      const words = (box?.dataset.notes ?? "").split(" ").filter(Boolean);
      const notes = words.map((word) => word.split(":")).map(([id, on, off]) => ({ id, on: Number(on), off: Number(off) }));
      engraved = { box, notes: notes.map((note) => ({ ...note, mark: document.getElementById(note.id) })) };
    }
    return engraved.notes;
  };
  const light = (tick) => {
    if (!find("#sheet .sheet")) return;
    let first = null;
    for (const { mark, on, off } of sheetNotes()) {
      const sounding = on <= tick && tick < off && !head.sound.paused;
      mark?.classList.toggle("sounding", sounding);
      if (sounding && !first) first = mark;
    }
    if (first && !head.sound.paused) {
      const box = find("#sheet").getBoundingClientRect();
      const here = first.getBoundingClientRect();
      const holder = find("#sheet .html-container");
      if (here.bottom > box.bottom || here.top < box.top) holder.scrollTop += here.top - box.top - 60;
    }
  };

  document.addEventListener("click", (event) => {
    const { target } = event;
    const partButton = target.closest("#player [data-part]");
    if (partButton) choosePart(partButton.dataset.part);
    else if (target.closest("#player .play")) toggle();
    else if (target.closest("#cards [data-take]")) {
      document.querySelectorAll("#pick input")[Number(target.closest("[data-take]").dataset.take)]?.click();
    } else if (target.closest("#roll svg") && !find("#roll .growing")) {
      const svg = target.closest("svg");
      const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
      const x = (event.clientX - svg.getBoundingClientRect().left) * scale;
      seekTick(clamp((x - Number(svg.dataset.left)) / Number(svg.dataset.tickPx), 0, Number(svg.dataset.ticks)));
    } else if (target.closest("#sheet .note")) {
      const note = sheetNotes().find(({ mark }) => mark?.contains(target) || target.closest(".note") === mark);
      if (note) seekTick(note.on);
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("#player .position")) seek(Number(event.target.value));
  });

  // On a phone the take is below the controls.
  const look = () => {
    if (window.innerWidth <= 900) find("#take")?.scrollIntoView({ behavior: "smooth" });
  };
  window.musiclstm = { playing, chosen, arrived, look, load };

  // Keep the newest notes in view while the roll grows, and update a player that Gradio has drawn again.
  let box = null;
  const follow = () => {
    const roll = find("#roll .html-container");
    const growing = roll && roll.querySelector(".growing svg");
    const newest = growing && growing.querySelector(".continuation rect:last-of-type");
    if (newest) roll.scrollLeft = Math.max(roll.scrollLeft, Number(newest.getAttribute("x")) - roll.clientWidth * 0.85);
    // Let the keyboard reach and scroll every scrolling area.
    const wave = find("#seed-player")?.querySelectorAll("*") ?? [];
    const inside = [...wave].map((each) => each.shadowRoot?.querySelector(".scroll"));
    const rolls = { "Piano roll of the seed": "#seed-roll", "Piano roll of the take": "#roll", "Sheet music": "#sheet" };
    for (const [name, id] of Object.entries(rolls)) {
      const area = find(`${id} .html-container`);
      if (area && area.tabIndex < 0) Object.assign(area, { tabIndex: 0, role: "group", ariaLabel: name });
    }
    for (const area of inside) if (area && area.tabIndex < 0) area.tabIndex = 0;
    if (find("#player .player") !== box) {
      box = find("#player .player");
      show();
    }
  };
  new MutationObserver(follow).observe(document.body, { childList: true, subtree: true });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      find("#generate")?.click();
      return;
    }
    const parts = Object.keys(sounds);
    const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.target.closest("#player [data-part]") && turn) {
      choosePart(parts[(parts.indexOf(part) + turn + parts.length) % parts.length]);
      find(`#player [data-part=${part}]`)?.focus();
      event.preventDefault();
      return;
    }
    // Leave Space and the arrows to a focused control that uses them.
    if (event.target.closest("input, textarea, select, button, a, summary, [role=option], [contenteditable]")) return;
    if (!sound().duration) return;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") seek(sound().currentTime + 3);
    else if (event.key === "ArrowLeft") seek(sound().currentTime - 3);
    else return;
    event.preventDefault();
  });
}
