  // The cards of the openings: filtered by the server, the recently used ones first; a click chooses one.
  const openings = (() => {
    const STORE = "musiclstm-recent";
    const MOST = 8;
    let chosen = "", found = null;
    const cards = () => [...document.querySelectorAll("#openings .opening")];
    const recent = () => {
      try {
        return JSON.parse(localStorage.getItem(STORE)) ?? [];
      } catch {
        return [];
      }
    };
    const order = () => {
      const known = recent();
      for (const card of cards()) {
        const place = known.indexOf(card.dataset.id);
        card.style.order = place < 0 ? 0 : place - MOST;
      }
    };
    const mark = (id) => {
      for (const card of cards()) card.setAttribute("aria-pressed", card.dataset.id === id);
    };
    const hide = () => {
      const wanted = new Set(found.split(" "));
      for (const card of cards()) card.hidden = !wanted.has(card.dataset.id);
      const none = find("#no-openings");
      if (none) none.hidden = Boolean(found);
    };
    const choose = (card) => {
      chosen = card.dataset.id;
      try {
        localStorage.setItem(STORE, JSON.stringify([chosen, ...recent().filter((id) => id !== chosen)].slice(0, MOST)));
      } catch {
        // a browser that stores nothing for a page in a page
      }
      mark(chosen);
      sampler.wake();
      find("#choose-opening")?.click();
    };
    document.addEventListener("click", ({ target }) => {
      const card = target.closest("#openings .opening");
      if (card) choose(card);
      else if (target.closest("#surprise")) {
        const shown = cards().filter(({ hidden, dataset }) => !hidden && dataset.id !== chosen);
        const lucky = shown[Math.floor(Math.random() * shown.length)];
        lucky?.scrollIntoView({ behavior: "smooth", inline: "center", block: "nearest" });
        if (lucky) choose(lucky);
      }
    });
    document.addEventListener("keydown", (event) => {
      const card = event.target.closest("#openings .opening");
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!card || !step) return;
      const shown = cards().filter(({ hidden }) => !hidden).sort((a, b) => a.style.order - b.style.order);
      shown[clamp(shown.indexOf(card) + step, 0, shown.length - 1)]?.focus();
      event.preventDefault();
    });
    return {
      drawn: () => {
        order();
        if (chosen) mark(chosen);
        if (found !== null) hide();
      },
      chosen: (inputs) => [chosen, ...inputs.slice(1)],
      show: (ids) => {
        found = ids ?? "";
        hide();
        find("#openings .html-container")?.scrollTo({ left: 0 });
      },
    };
  })();
