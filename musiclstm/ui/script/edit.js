  // Changing notes of the continuation on the roll: move, lengthen, louder or softer, add, delete; with the mouse, a finger or keys.
  const edit = (() => {
    const GRID = 6; // ticks: a sixteenth
    const EDGE = 7; // pixels at the end of a note that change its length
    let on = false;
    let chosen = null; // onset and key of the chosen note
    let dragged = null;
    let length = 12; // of a note that is added
    let waiting = ""; // a change for the server
    let pending = false; // it has not answered yet, so the roll is that before the change

    const open = () => on && !pending && !find("#roll .growing");
    const roll = () => find("#roll .html-container svg[data-voices]");
    const notes = () => (music.now()?.notes ?? []).filter((note) => note.group === "continuation");
    const rects = () => [...(roll()?.querySelectorAll(".continuation rect") ?? [])];
    const noteOf = (rect) => {
      const place = rects().indexOf(rect);
      const [start, key, ticks, velocity] = roll().querySelector(".continuation").dataset.notes.split(" ")[place].split(":");
      return { on: Number(start), key: Number(key), off: Number(start) + Number(ticks), velocity: Number(velocity) };
    };
    const sameNote = (one, other) => one.on === other?.on && one.key === other.key;
    const bounds = () => {
      const svg = roll();
      return [Number(svg.dataset.split), Number(svg.dataset.written)];
    };
    const keyAt = (clientY) => {
      const svg = roll();
      const box = svg.getBoundingClientRect();
      const y = ((clientY - box.top) * svg.viewBox.baseVal.height) / box.height;
      return clamp(Number(svg.dataset.high) - Math.floor((y - Number(svg.dataset.top)) / Number(svg.dataset.row)), 21, 108);
    };
    const draw = (rect, note) => {
      const svg = roll();
      const { left, tickPx, top, row, high } = svg.dataset;
      rect.setAttribute("x", Number(left) + note.on * tickPx);
      rect.setAttribute("width", Math.max(1.5, (note.off - note.on) * tickPx - 1));
      rect.setAttribute("y", Number(top) + (high - note.key) * row + (row - rect.getAttribute("height")) / 2);
    };
    const mark = () => {
      for (const rect of rects()) rect.classList.toggle("chosen", Boolean(chosen) && sameNote(noteOf(rect), chosen));
    };
    const choose = (note) => {
      chosen = note && { on: note.on, key: note.key };
      mark();
      if (!note) return;
      const values = { note: keyName(note.key), velocity: note.velocity };
      say(text("{note}, velocity {velocity}. Arrows move it, [ and ] change its length, + and − its velocity.", values));
    };
    const hear = async (note) => {
      sampler.wake();
      const known = music.now();
      await sampler.load(known.voices, [note]);
      sampler.strike(known.voices, note, sampler.now(), Math.min(1, (note.off - note.on) / 48)).catch(() => {});
    };
    const fits = (note) => {
      const [first, last] = bounds();
      return { ...note, on: clamp(note.on, first, last - 1), key: clamp(note.key, 21, 108), velocity: clamp(note.velocity, 1, 127) };
    };
    const send = (removed, added, words) => {
      waiting = JSON.stringify([removed.map(({ on, key }) => [on, key]), added.map((n) => [n.on, n.key, n.off - n.on, n.velocity])]);
      if (added.length) chosen = { on: added[0].on, key: added[0].key };
      pending = true;
      find("#change")?.click();
      say(words);
    };
    const replace = (before, after) => {
      const made = fits({ ...after, off: Math.max(after.on + 1, after.off) });
      made.off = made.on + Math.max(1, after.off - after.on);
      if (made.on === before.on && made.key === before.key && made.off === before.off && made.velocity === before.velocity) return;
      length = made.off - made.on;
      hear(made);
      send([before], [made], text("Changed to {note}.", { note: keyName(made.key) }));
    };
    const remove = (note) => {
      chosen = null;
      send([note], [], text("{note} deleted.", { note: keyName(note.key) }));
    };
    const add = (clientX, clientY) => {
      const [first, last] = bounds();
      const tick = music.tickAt(roll(), clientX);
      if (tick < first || tick >= last) return;
      const start = Math.max(first, Math.floor(tick / GRID) * GRID);
      const note = { on: start, key: keyAt(clientY), off: start + length, velocity: 80 };
      hear(note);
      send([], [note], text("{note} added.", { note: keyName(note.key) }));
    };

    document.addEventListener("pointerdown", (event) => {
      const rect = open() && !event.button && event.target.closest("#roll .continuation rect");
      if (!rect) return;
      const note = noteOf(rect);
      const box = rect.getBoundingClientRect();
      const lengthens = box.right - event.clientX < Math.min(EDGE, box.width / 3);
      dragged = { rect, note, now: note, lengthens, tick: music.tickAt(roll(), event.clientX), key: keyAt(event.clientY) };
      choose(note);
      hear(note);
      find("#roll .html-container")?.focus({ preventScroll: true });
      event.preventDefault();
    });
    document.addEventListener("pointermove", (event) => {
      if (!dragged) return;
      const steps = Math.round((music.tickAt(roll(), event.clientX) - dragged.tick) / GRID) * GRID;
      const { note, now } = dragged;
      const made = dragged.lengthens
        ? { ...note, off: Math.max(note.on + 1, note.off + steps) }
        : fits({ ...note, on: note.on + steps, off: note.off + steps, key: note.key + keyAt(event.clientY) - dragged.key });
      if (made.key !== now.key) hear(made);
      dragged.now = made;
      draw(dragged.rect, made);
    });
    document.addEventListener("pointerup", () => {
      if (dragged) replace(dragged.note, dragged.now);
      dragged = null;
    });
    document.addEventListener("pointercancel", () => {
      if (dragged) draw(dragged.rect, dragged.note);
      dragged = null;
    });
    document.addEventListener("dblclick", (event) => {
      const free = event.target.closest("#roll svg") && !event.target.closest(".continuation rect, .piano");
      if (open() && free) add(event.clientX, event.clientY);
    });
    const CHANGES = {
      ArrowUp: (note, far) => ({ ...note, key: note.key + (far ? 12 : 1) }),
      ArrowDown: (note, far) => ({ ...note, key: note.key - (far ? 12 : 1) }),
      ArrowLeft: (note, far) => ({ ...note, on: note.on - (far ? 24 : GRID), off: note.off - (far ? 24 : GRID) }),
      ArrowRight: (note, far) => ({ ...note, on: note.on + (far ? 24 : GRID), off: note.off + (far ? 24 : GRID) }),
      "]": (note) => ({ ...note, off: note.off + GRID }),
      "[": (note) => ({ ...note, off: Math.max(note.on + GRID, note.off - GRID) }),
      "+": (note) => ({ ...note, velocity: note.velocity + 8 }),
      "-": (note) => ({ ...note, velocity: note.velocity - 8 }),
    };
    document.addEventListener(
      "keydown",
      (event) => {
        if (!on || !event.target.closest("#roll") || event.ctrlKey || event.metaKey || event.altKey) return;
        const every = notes();
        const place = every.findIndex((note) => sameNote(note, chosen));
        const note = open() ? every[place] : null; // else the key is for nobody
        if (!chosen && (event.key === "Escape" || (event.shiftKey && /^Arrow(Left|Right)$/.test(event.key)))) return; // for bars
        const steps = { n: 1, p: -1 }[event.key];
        if (steps) choose(every[clamp(place + steps, 0, every.length - 1)]);
        else if (CHANGES[event.key]) note && replace(note, CHANGES[event.key](note, event.shiftKey));
        else if (event.key === "Delete" || event.key === "Backspace") note && remove(note);
        else if (event.key === "Escape") choose(null);
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
      { capture: true },
    );
    return {
      busy: () => Boolean(dragged),
      // A key at the edge of the roll was clicked.
      hearKey: (clientY) => music.now() && hear({ key: keyAt(clientY), velocity: 80, on: 0, off: 48 }),
      toggle: () => {
        on = !on;
        document.body.dataset.editing = on;
        if (!on) choose(null);
        find("#edit-notes")?.setAttribute("aria-pressed", on);
        const how = text("Click a note to choose it, drag to move it, double-click to add one. N and P choose the next and the one before.");
        say(on ? how : "");
      },
      redrawn: () => {
        pending = false;
        mark();
      },
      // The server has taken the change, or refused it: what the roll knows holds.
      answered: () => {
        pending = false;
        for (const rect of rects()) draw(rect, noteOf(rect));
      },
      waiting: () => waiting,
    };
  })();
