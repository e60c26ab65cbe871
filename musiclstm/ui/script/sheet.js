  // The sheet music: the sounding notes are highlighted, and a click on a note seeks it.
  const sheet = (() => {
    let engraved = { box: null, notes: [] };
    const notes = () => {
      const box = find("#sheet .sheet");
      if (box !== engraved.box) {
        const words = (box?.dataset.notes ?? "").split(" ").filter(Boolean);
        const read = words.map((word) => word.split(":")).map(([id, on, off]) => ({ id, on: Number(on), off: Number(off) }));
        engraved = { box, notes: read.map((note) => ({ ...note, mark: document.getElementById(note.id) })) };
      }
      return engraved.notes;
    };
    const light = (tick, playing) => {
      if (!find("#sheet .sheet")) return;
      let first = null;
      for (const { mark, on, off } of notes()) {
        const sounding = on <= tick && tick < off && playing;
        mark?.classList.toggle("sounding", sounding);
        if (sounding && !first) first = mark;
      }
      if (!first) return;
      const box = find("#sheet").getBoundingClientRect();
      const here = first.getBoundingClientRect();
      const holder = find("#sheet .html-container");
      if (here.bottom > box.bottom || here.top < box.top) holder.scrollTop += here.top - box.top - 60;
    };
    // The tick of the note that was clicked, or undefined.
    const tickOf = (target) => notes().find(({ mark }) => mark?.contains(target) || target.closest(".note") === mark)?.on;
    return { light, tickOf };
  })();
