  // The piano roll is a picture that the server drew; it also holds the music: notes, voices, and a clock of ticks and seconds.
  const music = (() => {
    const SIZES = [1, 1.4, 2, 2.8]; // times as large
    let size = 0; // which of them
    let read = null;
    let known = []; // the data that was read: Gradio may change a picture in its place
    const rollOf = () => find("#roll .html-container svg");
    // The music to guess is not on the roll.
    const GROUPS = { seed: ".seed", continuation: ".continuation", original: ".original", a: "#guess .a", b: "#guess .b" };
    const notesOf = (svg, group) =>
      ((GROUPS[group].startsWith("#") ? document : svg).querySelector(GROUPS[group])?.dataset.notes ?? "")
        .split(" ")
        .filter(Boolean)
        .map((word) => word.split(":").map(Number))
        .map(([on, key, length, velocity]) => ({ on, key, off: on + length, velocity, group }));
    const between = (pairs, value, from, to) => {
      let i = 1;
      while (i < pairs.length - 1 && pairs[i][from] < value) i++;
      const [a, b] = [pairs[i - 1], pairs[i]];
      return a[to] + ((value - a[from]) * (b[to] - a[to])) / (b[from] - a[from]);
    };
    // Look at the roll; true if its music is another one than when it was last looked at.
    const changed = () => {
      const svg = rollOf();
      const holders = [...(svg?.querySelectorAll("[data-notes]") ?? []), ...document.querySelectorAll("#guess [data-notes]")];
      const groups = holders.map((group) => group.dataset.notes);
      const { clock, voices, written } = svg?.dataset ?? {};
      const data = [clock, voices, written, Boolean(svg?.closest(".growing")), locks(svg), ...groups];
      if (data.length === known.length && data.every((each, i) => each === known[i])) return false;
      known = data;
      read = voices ? readFrom(svg) : null;
      return true;
    };
    const locks = (svg) => svg?.closest("[data-locked]")?.dataset.locked ?? "";
    const readFrom = (svg) => {
      const clock = svg.dataset.clock.split(" ").map((pair) => pair.split(":").map(Number));
      const seconds = (tick) => between(clock, tick, 0, 1);
      const notes = Object.keys(GROUPS).flatMap((group) => notesOf(svg, group)).sort((a, b) => a.on - b.on);
      for (const note of notes) Object.assign(note, { start: seconds(note.on), end: seconds(note.off) });
      return {
        notes,
        seconds,
        tick: (second) => between(clock, second, 1, 0),
        split: seconds(Number(svg.dataset.split)),
        written: seconds(Number(svg.dataset.written)),
        ticks: Number(svg.dataset.ticks),
        voices: svg.dataset.voices.split(" ").map((word) => {
          const [program, lowest] = word.split(":").map(Number);
          return { program, lowest };
        }),
        growing: Boolean(svg.closest(".growing")),
        bars: svg.dataset.bars.split(" ").map(Number), // where they begin, and where the last one ends
        first: Number(svg.dataset.first), // the number of the first bar: 0 for a pickup
        locked: locks(svg).split(" ").filter(Boolean).map((number) => Number(number) - 1), // bars from 0
        // The same for the same opening, however it is played; and what tells how it is.
        rhythm: notes.filter((note) => note.group === "seed").slice(0, 24).map((note) => `${note.on}:${note.off}`).join(" "),
        performance: `${svg.dataset.voices} ${seconds(96)} ${notes[0]?.key}`,
        continues: notes.some((note) => note.group === "continuation"),
        own: svg.querySelector(".own")?.dataset.name, // what the composer's own continuation is called, if it is known
      };
    };
    // The tick under a point of the picture.
    const tickAt = (svg, clientX) => {
      const box = svg.getBoundingClientRect();
      const x = ((clientX - box.left) * svg.viewBox.baseVal.width) / box.width;
      return clamp((x - Number(svg.dataset.left)) / Number(svg.dataset.tickPx), 0, Number(svg.dataset.ticks));
    };
    // Where a place on the picture lies in pixels of the screen.
    const pixels = (x) => x * SIZES[size];
    const xAt = (svg, tick) => Number(svg.dataset.left) + tick * Number(svg.dataset.tickPx);
    const under = (svg, shape) => svg.insertBefore(shape, svg.querySelector(".piano")); // the keys stay on top
    const mark = (svg, name, element, attributes) => {
      let shape = svg.querySelector(`.${name}`);
      if (!attributes) return shape?.remove();
      if (!shape) {
        shape = drawn(element, { class: name, "aria-hidden": true });
        under(svg, shape);
      }
      for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    };
    // Draw the playhead at a tick, and keep it in view while the music moves on.
    const point = (tick, moving) => {
      const svg = rollOf();
      const holder = find("#roll .html-container");
      if (!svg) return;
      const x = xAt(svg, Math.min(tick, Number(svg.dataset.ticks)));
      const [left, width, whole] = moving ? [holder.scrollLeft, holder.clientWidth, holder.scrollWidth] : [];
      mark(svg, "playhead", "line", { x1: x, x2: x, y1: svg.dataset.top, y2: svg.dataset.bottom });
      const there = pixels(x);
      const keys = pixels(Number(svg.dataset.left)); // they hide what is under them
      const seen = there >= left + keys && there <= left + width * 0.9;
      if (moving && whole > width && !seen) holder.scrollLeft = there - keys - (width - keys) * 0.1;
    };
    // Keep the piano's keys at the left edge, wherever the roll is scrolled to.
    const stick = () => {
      const holder = find("#roll .html-container");
      const keys = holder?.querySelector("svg .piano");
      const moved = `translate(${holder?.scrollLeft / SIZES[size]} 0)`;
      if (keys && keys.getAttribute("transform") !== moved) keys.setAttribute("transform", moved);
    };
    document.addEventListener("scroll", ({ target }) => target === find("#roll .html-container") && stick(), true);
    // Scroll the roll until a tick is in view.
    const showTick = (tick) => {
      const svg = rollOf();
      const holder = find("#roll .html-container");
      if (!svg || holder.scrollWidth <= holder.clientWidth) return;
      const x = pixels(xAt(svg, tick));
      if (x < holder.scrollLeft + pixels(Number(svg.dataset.left)) || x > holder.scrollLeft + holder.clientWidth * 0.85) holder.scrollLeft = x - holder.clientWidth / 2;
    };
    // Show the notes larger or smaller, with the middle of the picture where it was.
    const zoom = (by) => {
      const holder = find("#roll .html-container");
      const before = SIZES[size];
      size = clamp(size + by, 0, SIZES.length - 1);
      const middle = holder.scrollLeft + holder.clientWidth / 2;
      document.body.style.setProperty("--zoom", SIZES[size]);
      holder.scrollLeft = (middle * SIZES[size]) / before - holder.clientWidth / 2;
      stick();
      for (const button of document.querySelectorAll("#zoom button")) {
        button.ariaDisabled = size === (Number(button.dataset.zoom) < 0 ? 0 : SIZES.length - 1);
      }
    };
    // Mark the chosen section, null for none, and the locked ones, all in ticks.
    const markBars = (section, locked) => {
      const svg = rollOf();
      if (!svg) return;
      const top = Number(svg.dataset.top);
      const box = ([from, to]) => ({ x: xAt(svg, from), width: xAt(svg, to) - xAt(svg, from), y: top, height: svg.dataset.bottom - top });
      mark(svg, "section", "rect", section && box(section));
      svg.querySelector(".locks")?.remove();
      if (locked.length) under(svg, lockMarks(locked.map(box), 1));
    };
    // ``now``: the music on the roll; null before there is any.
    return { now: () => read, changed, tickAt, pixels, point, stick, showTick, markBars, zoom };
  })();
