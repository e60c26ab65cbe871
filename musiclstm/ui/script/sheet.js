  // The score: the sounding notes are highlighted, its bars can be found and marked.
  const sheet = (() => {
    const NEAR = 900; // the most that a click in a bar may lie above or below its staves, in units of the picture: ten staff spaces
    const PAD = 260; // how far the mark of a bar reaches beyond its staves
    const PIXEL = 12; // units
    let lit = []; // the notes that are highlighted
    let engraved = { box: null, notes: [], measures: [], bars: [] };
    const read = () => {
      const box = find("#sheet .sheet");
      if (box !== engraved.box) {
        const words = (box?.dataset.notes ?? "").split(" ").filter(Boolean);
        const times = words.map((word) => word.split(":")).map(([id, on, off]) => ({ id, on: Number(on), off: Number(off) }));
        const notes = times.map((note) => ({ ...note, mark: document.getElementById(note.id) }));
        const measures = [...(box?.querySelectorAll(".measure") ?? [])];
        engraved = { box, notes, measures, bars: measures.map(boxOf) };
      }
      return engraved;
    };
    // Where the staves of a bar lie in the picture: between the ends of their lines.
    const boxOf = (measure) => {
      const staves = [...measure.querySelectorAll(":scope > .staff > path")];
      const lines = staves.map((line) => line.getAttribute("d").match(/-?[\d.]+/g).map(Number));
      const [x, y] = [0, 1].map((axis) => Math.min(...lines.map((line) => line[axis])));
      const [right, bottom] = [2, 3].map((axis) => Math.max(...lines.map((line) => line[axis])));
      return { x, y, right, bottom };
    };
    // Highlight what sounds at a tick, and keep it in view: at each new note, not in every frame.
    const light = (tick, playing) => {
      if (!find("#sheet .sheet")) return;
      const { notes } = read();
      const sounding = playing ? notes.filter(({ on, off }) => on <= tick && tick < off) : [];
      if (sounding.length === lit.length && sounding.every((note, i) => note === lit[i])) return;
      for (const { mark } of lit) mark?.classList.remove("sounding");
      for (const { mark } of sounding) mark?.classList.add("sounding");
      lit = sounding;
      const first = sounding.find(({ mark }) => mark);
      if (first) show(first.mark);
    };
    // Scroll the sheet until something of it is in view.
    const show = (shape) => {
      const box = find("#sheet").getBoundingClientRect();
      const here = shape.getBoundingClientRect();
      const floor = Math.min(box.bottom, find("#player").getBoundingClientRect().top); // which may lie on the sheet
      const holder = find("#sheet .html-container");
      if (here.bottom > floor || here.top < box.top) holder.scrollTop += here.top - box.top - 60;
    };
    const showBar = (bar) => read().measures[bar] && show(read().measures[bar]);
    // The tick of the note that was clicked, or undefined.
    const tickOf = (target) => read().notes.find(({ mark }) => mark?.contains(target) || target.closest(".note") === mark)?.on;
    const page = () => read().box?.querySelector(".page-margin");
    // The bar at a place on the screen, from 0; -1 for none. ``nearest``: the one that is nearest to it.
    const barAt = (clientX, clientY, nearest) => {
      if (!page()) return -1;
      const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(page().getScreenCTM().inverse());
      const far = read().bars.map((bar) => [Math.max(bar.x - x, x - bar.right, 0), Math.max(bar.y - y, y - bar.bottom, 0)]);
      const away = far.map(([dx, dy]) => dx + 100 * dy);
      const found = away.indexOf(Math.min(...away));
      return found >= 0 && (nearest || (!far[found][0] && far[found][1] < NEAR)) ? found : -1;
    };
    // Mark the bars of which ``isChosen`` and ``isLocked`` are true.
    const markBars = (isChosen, isLocked) => {
      if (!page()) return;
      const boxes = read().bars.map(({ x, y, right, bottom }) => ({ x, width: right - x, y: y - PAD, height: bottom - y + 2 * PAD }));
      const marks = drawn("g", { class: "bar-marks", "aria-hidden": true });
      marks.append(...boxes.filter((_, bar) => isChosen(bar)).map((each) => drawn("rect", { ...each, class: "section" })));
      marks.append(lockMarks(boxes.filter((_, bar) => isLocked(bar)), PIXEL, true));
      page().querySelector(".bar-marks")?.remove();
      if (marks.querySelector("rect")) page().prepend(marks);
    };
    return { light, tickOf, barAt, markBars, showBar };
  })();
